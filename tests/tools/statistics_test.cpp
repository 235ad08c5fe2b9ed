#include "tools/bench/statistics.hpp"

#include <gtest/gtest.h>

namespace rlx::bench {
namespace {

TEST(Statistics, the_median_is_the_middle_or_between_the_two_middle_samples) {
  EXPECT_DOUBLE_EQ(summarize({3, 1, 2}).median, 2);
  EXPECT_DOUBLE_EQ(summarize({4, 1, 3, 2}).median, 2.5);
  EXPECT_DOUBLE_EQ(summarize({}).median, 0);
}

TEST(Statistics, percentiles_interpolate_between_neighbours) {
  const std::vector<double> samples = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
  EXPECT_DOUBLE_EQ(summarize(samples).p10, 10);
  EXPECT_DOUBLE_EQ(summarize(samples).p90, 90);
  EXPECT_DOUBLE_EQ(quantile({1, 2}, 0.9), 1.9);
  EXPECT_DOUBLE_EQ(quantile({5}, 0.1), 5);
}

TEST(Statistics, an_outlier_moves_neither_median_nor_p10) {
  const Summary summary = summarize({1, 1, 1, 1, 1, 1, 1, 1, 1, 1e9});
  EXPECT_DOUBLE_EQ(summary.median, 1);
  EXPECT_DOUBLE_EQ(summary.p10, 1);
}

TEST(Statistics, a_sample_takes_as_long_as_its_slowest_rank) {
  const std::vector<double> all = {1, 5, 2, /* rank 1 */ 4, 3, 2, /* rank 2 */ 0, 9, 1};
  EXPECT_EQ(slowest_rank(all, 3), (std::vector<double>{4, 9, 2}));
  EXPECT_EQ(slowest_rank(all, 1), all);
  EXPECT_TRUE(slowest_rank({}, 2).empty());
}

TEST(Statistics, back_to_back_makes_64_calls_unless_they_take_too_long) {
  EXPECT_EQ(back_to_back_calls(0.2), 64);
  EXPECT_EQ(back_to_back_calls(31'000), 64);
  EXPECT_EQ(back_to_back_calls(100'000), 20);
  EXPECT_EQ(back_to_back_calls(1e9), 4);
}

TEST(Statistics, bandwidth_is_in_decimal_gigabytes) {
  EXPECT_DOUBLE_EQ(bandwidth(1'000'000, 1000), 1.0);
  EXPECT_DOUBLE_EQ(bandwidth(1'000'000, 0), 0.0);
}

}  // namespace
}  // namespace rlx::bench
