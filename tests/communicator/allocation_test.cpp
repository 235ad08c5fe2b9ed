// Symmetric memory of communicators and their children.

#include "support.hpp"

namespace rlx::test {
namespace {

std::uint64_t agreed(Communicator& comm, std::uint64_t mine) {
  std::vector<std::uint64_t> high{mine}, low{mine};
  all_reduce(comm, high, ReduceKind::Max);
  all_reduce(comm, low, ReduceKind::Min);
  EXPECT_EQ(high[0], low[0]) << "offsets differ between ranks";
  return high[0];
}

TEST(Allocation, a_child_allocates_and_then_the_world) {
  launch_threads(4, options_with(), [](Communicator& comm) {
    auto half = comm.split(static_cast<int>(comm.rank().value() % 2), 0);
    ASSERT_TRUE(half);
    EXPECT_EQ(half->size(), 2u);
    auto mine = half->allocate<float>(comm.rank().value() % 2 == 0 ? 100 : 100000);
    auto all = comm.allocate<float>(5000);
    agreed(comm, all.view().offset);
    agreed(*half, mine.view().offset);
    EXPECT_TRUE(all.view().offset >= mine.view().offset + mine.view().length ||
                mine.view().offset >= all.view().offset + all.view().length);
  });
}

TEST(Allocation, releases_at_different_points_do_not_upset_agreement) {
  launch_threads(3, options_with(), [](Communicator& comm) {
    std::vector<SymmetricArray<int>> kept;
    for (int round = 0; round < 30; ++round) {
      kept.push_back(comm.allocate<int>(static_cast<std::size_t>(100 + 50 * (round % 7))));
      agreed(comm, kept.back().view().offset);
      if (round % (2 + static_cast<int>(comm.rank().value())) == 0) kept.erase(kept.begin());
    }
  });
}

TEST(Allocation, memory_starts_as_zero_also_when_it_was_used_before) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    for (int round = 0; round < 4; ++round) {
      auto x = comm.allocate<int>(1000);
      for (const int value : x) ASSERT_EQ(value, 0);
      std::fill(x.begin(), x.end(), 7);
      comm.barrier();
    }
  });
}

TEST(Allocation, more_than_one_extent_just_works) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    auto small = comm.allocate<float>(10);
    auto large = comm.allocate<float>(std::size_t{40} << 20);
    large[large.size() - 1] = 1;
    all_reduce(comm, std::span(large.data() + large.size() - 5, 5), ReduceKind::Sum);
    EXPECT_EQ(large[large.size() - 1], 2);
    all_reduce(comm, small, ReduceKind::Sum);
  });
}

TEST(Allocation, running_out_is_agreed_and_names_the_knob) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    try {
      auto x = comm.allocate<double>(std::size_t{1} << 40);
      ADD_FAILURE() << "8 TiB were given";
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::OutOfMemory);
      EXPECT_NE(std::string(error.what()).find("RLX_HEAP_LIMIT"), std::string::npos)
          << error.what();
    }
    auto y = comm.allocate<int>(10);  // recoverable
    all_reduce(comm, y, ReduceKind::Sum);
  });
}

TEST(Allocation, different_lengths_are_named) {
  launch_threads(3, options_with(), [](Communicator& comm) {
    try {
      auto x = comm.allocate<int>(comm.rank() == Rank(2) ? 11 : 10);
      ADD_FAILURE() << "different lengths were accepted";
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::LengthMismatch);
      ASSERT_EQ(error.ranks().size(), 2u);
      EXPECT_EQ(error.ranks()[1], Rank(2));
    }
  });
}

TEST(Split, a_negative_colour_gives_nothing_and_keys_order_the_ranks) {
  launch_threads(5, options_with(), [](Communicator& comm) {
    const int me = static_cast<int>(comm.rank().value());
    auto child = comm.split(me == 2 ? -1 : 0, -me);
    ASSERT_EQ(child.has_value(), me != 2);
    if (!child) return;
    EXPECT_EQ(child->size(), 4u);
    std::vector<int> order(4);
    all_gather(*child, std::vector<int>{me}, order);
    EXPECT_EQ(order, (std::vector<int>{4, 3, 1, 0}));
  });
}

TEST(Split, communicators_come_and_go) {
  launch_threads(3, options_with(), [](Communicator& comm) {
    for (int round = 0; round < 60; ++round) {
      Communicator child = comm.duplicate();
      std::vector<int> x(10, 1);
      all_reduce(child, x, ReduceKind::Sum);
      ASSERT_EQ(x[9], 3);
    }
  });
}

}  // namespace
}  // namespace rlx::test
