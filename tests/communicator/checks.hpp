#pragma once
// The collectives of reductions and gathering, in private and heap memory, apart and in place,
// checked element by element.

#include "collectives/algorithms.hpp"
#include "tests/communicator/support.hpp"

namespace rlx::test {

/// The algorithms of a collective that run as far as `reaches`, given one's Reach, says.
inline std::vector<std::string> names_of(collectives::Collective collective,
                                         bool (*reaches)(collectives::Reach)) {
  std::vector<std::string> all;
  for (const collectives::Algorithm& algorithm : collectives::algorithms())
    if (algorithm.collective == collective && reaches(algorithm.needs.reach))
      all.emplace_back(algorithm.name);
  return all;
}

template <class T>
void check_all_reduce(Communicator& comm, std::size_t count) {
  const std::uint32_t me = comm.rank().value();
  std::vector<T> in(count), out(count);
  auto heap_in = comm.allocate<T>(count);
  auto heap_out = comm.allocate<T>(count);
  for (std::size_t i = 0; i < count; ++i) in[i] = heap_in[i] = heap_out[i] = element<T>(me, i);
  all_reduce(comm, in, out, ReduceKind::Sum);
  std::vector<T> in_place = in;
  all_reduce(comm, in_place, ReduceKind::Sum);
  all_reduce(comm, heap_out, ReduceKind::Sum);
  auto other = comm.allocate<T>(count);
  all_reduce(comm, heap_in, other, ReduceKind::Sum);
  for (std::size_t i = 0; i < count; ++i) {
    const double wanted = sum_of(comm.size(), i);
    ASSERT_EQ(as_double(out[i]), wanted) << "private, rank " << me << " element " << i;
    ASSERT_EQ(as_double(in_place[i]), wanted) << "private in place, element " << i;
    ASSERT_EQ(as_double(heap_out[i]), wanted) << "heap in place, element " << i;
    ASSERT_EQ(as_double(other[i]), wanted) << "heap, element " << i;
    ASSERT_EQ(as_double(heap_in[i]), as_double(element<T>(me, i))) << "input changed";
  }
}

template <class T>
void check_all_gather(Communicator& comm, std::size_t count) {
  const std::uint32_t me = comm.rank().value();
  const std::size_t n = comm.size();
  std::vector<T> in(count), out(n * count), in_place(n * count);
  auto heap_in = comm.allocate<T>(count);
  auto heap_out = comm.allocate<T>(n * count);
  auto heap_in_place = comm.allocate<T>(n * count);
  for (std::size_t i = 0; i < count; ++i)
    in[i] = heap_in[i] = in_place[me * count + i] = heap_in_place[me * count + i] =
        element<T>(me, i);
  all_gather(comm, in, out);
  all_gather(comm, in_place);
  all_gather(comm, heap_in, heap_out);
  all_gather(comm, heap_in_place);
  for (std::uint32_t r = 0; r < n; ++r) {
    for (std::size_t i = 0; i < count; ++i) {
      const double wanted = as_double(element<T>(r, i));
      ASSERT_EQ(as_double(out[r * count + i]), wanted) << "rank " << r << " element " << i;
      ASSERT_EQ(as_double(in_place[r * count + i]), wanted);
      ASSERT_EQ(as_double(heap_out[r * count + i]), wanted);
      ASSERT_EQ(as_double(heap_in_place[r * count + i]), wanted);
    }
  }
}

template <class T>
void check_reduce_scatter(Communicator& comm, std::size_t count) {
  const std::uint32_t me = comm.rank().value();
  const std::size_t n = comm.size();
  std::vector<T> in(n * count), out(count);
  auto heap = comm.allocate<T>(n * count);
  auto heap_in = comm.allocate<T>(n * count);
  auto heap_out = comm.allocate<T>(count);
  for (std::size_t i = 0; i < n * count; ++i) in[i] = heap[i] = heap_in[i] = element<T>(me, i);
  std::vector<T> in_place = in, overlapping = in;
  reduce_scatter(comm, in, out, ReduceKind::Sum);
  reduce_scatter(comm, in_place, ReduceKind::Sum);
  reduce_scatter(comm, heap, ReduceKind::Sum);
  reduce_scatter(comm, heap_in, heap_out, ReduceKind::Sum);
  reduce_scatter(comm, overlapping, std::span(overlapping).first(count), ReduceKind::Sum);
  for (std::size_t i = 0; i < count; ++i) {
    const double wanted = sum_of(n, me * count + i);
    ASSERT_EQ(as_double(out[i]), wanted) << "element " << i;
    ASSERT_EQ(as_double(in_place[me * count + i]), wanted);
    ASSERT_EQ(as_double(heap[me * count + i]), wanted);
    ASSERT_EQ(as_double(heap_out[i]), wanted);
    ASSERT_EQ(as_double(overlapping[i]), wanted) << "output at the start of the input";
  }
}

}  // namespace rlx::test
