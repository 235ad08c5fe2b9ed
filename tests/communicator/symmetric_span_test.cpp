// Memory that is symmetric although its type does not say so, named by SymmetricResource::view().

#include <memory_resource>

#include "support.hpp"

namespace rlx::test {
namespace {

TEST(SymmetricSpan, names_parts_of_symmetric_memory) {
  launch_threads(3, options_with(), [](Communicator& comm) {
    auto array = comm.allocate<int>(1000);
    SymmetricVector<int> vector(1000, 1, comm);
    std::fill(array.begin(), array.end(), 1);
    const auto middle = comm.memory_resource()->view(array.span().subspan(100, 500));
    all_reduce(comm, middle, ReduceKind::Sum);
    EXPECT_EQ(array[99], 1);
    EXPECT_EQ(array[100], 3);
    EXPECT_EQ(array[599], 3);
    EXPECT_EQ(array[600], 1);
    const auto part = comm.memory_resource()->view(std::span(vector).first(500));
    EXPECT_EQ(part.memory().offset, detail::memory_of(vector).offset);
    const auto input = comm.memory_resource()->view(std::span<const int>(middle.span()));
    all_reduce(comm, input, part, ReduceKind::Sum);
    EXPECT_EQ(vector[499], 9);
    EXPECT_EQ(vector[500], 1);
    all_reduce(comm, comm.memory_resource()->view(std::span<int>()), ReduceKind::Sum);
  });
}

TEST(SymmetricSpan, names_what_a_pool_took_from_the_heap) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    std::pmr::unsynchronized_pool_resource pool(comm.memory_resource());
    std::vector<std::pmr::vector<int>> many;
    for (int i = 0; i < 200; ++i) many.emplace_back(50, i, &pool);
    for (int i = 0; i < 200; ++i) {
      all_reduce(comm, comm.memory_resource()->view(many[static_cast<std::size_t>(i)]),
                 ReduceKind::Sum);
      ASSERT_EQ(many[static_cast<std::size_t>(i)][49], 2 * i);
    }
  });
}

TEST(SymmetricSpan, of_private_memory_is_refused) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    auto array = comm.allocate<int>(1000);
    int own = 0;
    const std::span<int> beyond(array.data(), std::size_t{1} << 40);
    for (const std::span<int> bad : {std::span<int>(&own, 1), beyond}) {
      try {
        static_cast<void>(comm.memory_resource()->view(bad));
        ADD_FAILURE() << "was taken for symmetric";
      } catch (const CollectiveError& error) {
        EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
        EXPECT_EQ(error.ranks(), std::vector<Rank>{comm.rank()});
      }
    }
  });
}

}  // namespace
}  // namespace rlx::test
