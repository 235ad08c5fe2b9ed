// Where ranks that take turns go, and that nothing is bound when they have gone.

#include "lib/communicator/spreading.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace rlx::detail {
namespace {

cpu_set_t cores_up_to(int count) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int core = 0; core < count; ++core) CPU_SET(core, &set);
  return set;
}

TEST(Spreading, sends_the_last_rank_of_a_crowded_core_to_the_emptiest) {
  const std::vector<int> cores{0, 0, 1, 0};
  EXPECT_EQ(better_core(cores, 3, cores_up_to(2)), 1);
  EXPECT_EQ(better_core(cores, 3, cores_up_to(3)), 2);
}

TEST(Spreading, leaves_the_other_ranks_of_the_core_and_of_other_cores_where_they_are) {
  const std::vector<int> cores{0, 0, 1, 0};
  for (const std::size_t rank : {0, 1, 2})
    EXPECT_EQ(better_core(cores, rank, cores_up_to(2)), std::nullopt) << rank;
}

TEST(Spreading, leaves_ranks_alone_that_are_spread_as_evenly_as_can_be) {
  EXPECT_EQ(better_core(std::vector<int>{0, 1, 0, 1}, 3, cores_up_to(2)), std::nullopt);
  EXPECT_EQ(better_core(std::vector<int>{0, 1, 0}, 2, cores_up_to(2)), std::nullopt);
  EXPECT_EQ(better_core(std::vector<int>{0, 1, 0}, 2, cores_up_to(3)), 2);
}

TEST(Spreading, goes_only_where_the_rank_is_allowed) {
  const std::vector<int> cores{0, 0, 0, 0};
  EXPECT_EQ(better_core(cores, 3, cores_up_to(1)), std::nullopt);
}

TEST(Spreading, does_not_count_ranks_that_are_elsewhere_or_have_not_told) {
  EXPECT_EQ(better_core(std::vector<int>{0, kNoCore, kNoCore, 0}, 3, cores_up_to(2)), 1);
  EXPECT_EQ(better_core(std::vector<int>{0, 0, kNoCore}, 2, cores_up_to(2)), std::nullopt);
}

TEST(Spreading, ends_with_all_cores_alike_within_one_rank) {
  std::vector<int> cores(8, 0);
  for (int round = 0; round < 8; ++round)
    for (std::size_t rank = 0; rank < cores.size(); ++rank)
      cores[rank] = better_core(cores, rank, cores_up_to(3)).value_or(cores[rank]);
  for (int core = 0; core < 3; ++core) {
    EXPECT_GE(std::ranges::count(cores, core), 2);
    EXPECT_LE(std::ranges::count(cores, core), 3);
  }
}

TEST(Spreading, moves_the_thread_and_leaves_it_as_free_as_it_was) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &before)) move_to(core);
  cpu_set_t after;
  ASSERT_EQ(sched_getaffinity(0, sizeof after, &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(Spreading, looks_more_seldom_after_each_move) {
  const auto turns_until_due = [](Spreading& spreading) {
    int turns = 1;
    while (!spreading.due()) ++turns;
    return turns;
  };
  Spreading spreading;
  const int first = turns_until_due(spreading);
  EXPECT_EQ(turns_until_due(spreading), first);
  spreading.moved();
  EXPECT_EQ(turns_until_due(spreading), 2 * first);
}

}  // namespace
}  // namespace rlx::detail
