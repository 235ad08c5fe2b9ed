#include <gtest/gtest.h>

#include "lib/bootstrap/bootstraps.hpp"
#include "tests/bootstrap/ranks.hpp"

namespace rlx {
namespace {

using testing::gathers_in_rank_order;
using testing::names;
using testing::on_threads;
using testing::says;

class ThreadBootstrapTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ThreadBootstrapTest, gathers_in_rank_order_round_after_round) {
  const std::size_t n = GetParam();
  auto ranks = thread_bootstraps(n, 20);
  const auto errors = on_threads(n, [&](std::size_t i) {
    EXPECT_EQ(ranks[i]->rank().index(), i);
    EXPECT_EQ(ranks[i]->size(), n);
    for (std::size_t round = 0; round < 200; ++round) {
      ASSERT_TRUE(gathers_in_rank_order(*ranks[i], round % 70, round));
      if (round % 3 == 0) ranks[i]->barrier();
    }
  });
  for (const auto& error : errors) EXPECT_FALSE(error.has_value());
}

INSTANTIATE_TEST_SUITE_P(ranks, ThreadBootstrapTest, ::testing::Values(1, 2, 3, 4, 5, 7, 8, 16));

TEST(ThreadBootstrap, a_rank_that_never_comes_is_named_at_the_deadline) {
  auto ranks = thread_bootstraps(3, 0.1);
  const auto errors = on_threads(3, [&](std::size_t i) {
    if (i != 1) ranks[i]->barrier();
  });
  for (const std::size_t i : {0, 2}) {
    ASSERT_TRUE(errors[i].has_value());
    EXPECT_EQ(errors[i]->kind(), ErrorKind::Launch);
    EXPECT_EQ(errors[i]->operation(), "bootstrap barrier");
    EXPECT_TRUE(names(*errors[i], 1)) << errors[i]->what();
    EXPECT_EQ(errors[i]->ranks().size(), 1u);
  }
}

TEST(ThreadBootstrap, a_rank_that_ended_is_named_at_once) {
  auto ranks = thread_bootstraps(4, 600);
  const auto errors = on_threads(4, [&](std::size_t i) {
    ranks[i]->barrier();
    if (i == 2) ranks[i].reset();
    if (i != 2) ranks[i]->barrier();
  });
  for (const std::size_t i : {0, 1, 3}) {
    ASSERT_TRUE(errors[i].has_value());
    EXPECT_TRUE(names(*errors[i], 2)) << errors[i]->what();
  }
}

TEST(ThreadBootstrap, a_rank_may_leave_as_soon_as_its_last_round_is_complete) {
  for (int repetition = 0; repetition < 200; ++repetition) {
    auto ranks = thread_bootstraps(4, 20);
    const auto errors = on_threads(4, [&](std::size_t i) {
      EXPECT_TRUE(gathers_in_rank_order(*ranks[i], 8, 1));
      ranks[i].reset();
    });
    for (const auto& error : errors) ASSERT_FALSE(error.has_value()) << error->what();
  }
}

TEST(ThreadBootstrap, different_lengths_are_told_to_everybody_and_the_error_stays) {
  auto ranks = thread_bootstraps(3, 20);
  const auto errors =
      on_threads(3, [&](std::size_t i) { gathers_in_rank_order(*ranks[i], i == 1 ? 9 : 8, 0); });
  for (const auto& error : errors) {
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), ErrorKind::Launch);
    EXPECT_TRUE(says(*error, "9") && says(*error, "8")) << error->what();
  }
  EXPECT_THROW(ranks[0]->barrier(), CollectiveError);
}

TEST(ThreadBootstrap, a_result_that_does_not_fit_is_refused_and_nothing_is_lost) {
  auto ranks = thread_bootstraps(1, 20);
  std::vector<std::byte> small(3);
  EXPECT_THROW(ranks[0]->all_gather(testing::bytes_of(1, 4), small), CollectiveError);
  EXPECT_TRUE(gathers_in_rank_order(*ranks[0], 4, 1));
}

TEST(ThreadBootstrap, no_ranks_is_an_error) {
  EXPECT_THROW(thread_bootstraps(0, 1), CollectiveError);
}

}  // namespace
}  // namespace rlx
