#pragma once
// Ranks of which some own devices, and the three collectives of memory on them, checked element by
// element.

#include <fmt/format.h>

#include "tests/communicator/support.hpp"
#include "tests/driver/reference.hpp"

namespace rlx::test {

/// Which ranks own a device.
enum class Owners : std::uint8_t { all, even, first };

inline bool owns(Owners owners, std::uint32_t rank) {
  return owners == Owners::all || (owners == Owners::even ? rank % 2 == 0 : rank == 0);
}

/// Runs `body` on each rank as a thread; `device_of` says which devices those have that own one.
inline void run_ranks(std::size_t ranks, Owners owners, const CommunicatorOptions& options,
                      const std::function<Device(Rank)>& device_of,
                      const std::function<void(Communicator&)>& body) {
  launch_threads_each(
      ranks,
      [&](Rank rank) {
        CommunicatorOptions mine = options;
        if (owns(owners, rank.value())) mine.device = device_of(rank);
        return mine;
      },
      body);
}

template <class T>
Buffer upload(const Communicator& comm, const std::vector<T>& values) {
  Buffer buffer(comm.device(), dtype_of<T>, Shape{values.size()});
  buffer.upload(std::as_bytes(std::span(values)));
  return buffer;
}

template <class T>
std::vector<T> download(const Buffer& buffer) {
  std::vector<T> values(buffer.count());
  buffer.download(std::as_writable_bytes(std::span(values)));
  return values;
}

template <class T>
std::vector<T> contribution(std::uint32_t rank, std::size_t count) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<T>(static_cast<float>(1 + (rank * 3 + i * 7) % 4));
  return values;
}

/// What the ranks' values reduce to. Products of up to four numbers of up to 4 are exact but for 8
/// bits, where order may matter: sums of those are small.
template <class T>
T reduced(ReduceKind kind, std::size_t ranks, std::size_t i) {
  std::vector<T> all;
  for (std::uint32_t r = 0; r < ranks; ++r) all.push_back(contribution<T>(r, i + 1)[i]);
  return expected_element<T>(kind, all, kind == ReduceKind::Mean ? ranks : 0);
}

/// `wanted(i)` of every element, where bits may differ for NaN alone.
template <class T, class Wanted>
void expect_same(const std::vector<T>& got, Wanted&& wanted, const std::string& what) {
  std::size_t wrong = 0, first = 0;
  for (std::size_t i = got.size(); i-- > 0;) {
    if (same<T>(got[i], wanted(i))) continue;
    ++wrong;
    first = i;
  }
  EXPECT_EQ(wrong, 0U) << what << ": first at " << first << " of " << got.size();
}

/// The three collectives of one length per rank, in and out of place.
template <class T>
void check_all(Communicator& comm, ReduceKind kind, std::size_t count) {
  const std::size_t n = comm.size();
  const std::uint32_t me = comm.rank().value();
  const auto name = [&](const char* form) {
    return fmt::format("{} {} of {} on rank {} of {}", form, to_string(kind), count, me, n);
  };
  std::vector<T> sums(4);  // the pattern repeats
  for (std::size_t i = 0; i < 4; ++i) sums[i] = reduced<T>(kind, n, i);
  const auto sum = [&](std::size_t i) { return sums[i % 4]; };

  const std::vector<T> mine = contribution<T>(me, count);
  Buffer in = upload(comm, mine);
  Buffer out(comm.device(), dtype_of<T>, Shape{count});
  all_reduce(comm, in, out, kind);
  expect_same<T>(download<T>(out), sum, name("all_reduce"));
  expect_same<T>(
      download<T>(in), [&](std::size_t i) { return mine[i]; }, name("input of"));
  all_reduce(comm, in, kind);
  expect_same<T>(download<T>(in), sum, name("all_reduce in place"));

  Buffer gathered(comm.device(), dtype_of<T>, Shape{n * count});
  Buffer block = upload(comm, mine);
  all_gather(comm, block, gathered);
  std::vector<std::vector<T>> theirs;
  for (std::uint32_t rank = 0; rank < n; ++rank) theirs.push_back(contribution<T>(rank, 4));
  const auto of_rank = [&](std::size_t i) { return theirs[i / count][i % count % 4]; };
  expect_same<T>(download<T>(gathered), of_rank, name("all_gather"));
  std::vector<T> blocks(n * count);
  std::copy(mine.begin(), mine.end(), blocks.begin() + static_cast<std::ptrdiff_t>(me * count));
  Buffer own = upload(comm, blocks);
  all_gather(comm, own);
  expect_same<T>(download<T>(own), of_rank, name("all_gather in place"));

  const std::vector<T> long_one = contribution<T>(me, n * count);
  Buffer scattered = upload(comm, long_one);
  Buffer part(comm.device(), dtype_of<T>, Shape{count});
  reduce_scatter(comm, scattered, part, kind);
  const auto of_block = [&](std::size_t i) { return sums[(me * count + i) % 4]; };
  expect_same<T>(download<T>(part), of_block, name("reduce_scatter"));
  reduce_scatter(comm, scattered, kind);
  const std::vector<T> all = download<T>(scattered);
  expect_same<T>({all.begin() + static_cast<std::ptrdiff_t>(me * count),
                  all.begin() + static_cast<std::ptrdiff_t>((me + 1) * count)},
                 of_block, name("reduce_scatter in place"));
}

}  // namespace rlx::test
