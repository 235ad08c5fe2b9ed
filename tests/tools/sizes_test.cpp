#include "tools/bench/sizes.hpp"

#include <gtest/gtest.h>

#include "tools/bench/usage_error.hpp"

namespace rlx::bench {
namespace {

using Sizes = std::vector<std::size_t>;

TEST(ParseSize, takes_bytes_and_binary_suffixes) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("4100"), 4100U);
  EXPECT_EQ(parse_size("4K"), 4096U);
  EXPECT_EQ(parse_size("32m"), std::size_t{32} << 20);
  EXPECT_EQ(parse_size("1G"), std::size_t{1} << 30);
  EXPECT_EQ(parse_size("8B"), 8U);
  EXPECT_EQ(parse_size("8KB"), 8192U);
}

TEST(ParseSize, refuses_what_is_no_size) {
  for (const char* text : {"", "K", "-1", "1.5M", "4 K", "4KK", "12x", "99999999999G"}) {
    EXPECT_THROW(static_cast<void>(parse_size(text)), UsageError) << text;
  }
}

TEST(SweepSizes, goes_from_zero_to_one_element_per_rank_and_on_by_the_factor) {
  EXPECT_EQ(sweep_sizes({0, 4096, 1, 4}, 4), (Sizes{0, 4, 16, 64, 256, 1024, 4096}));
  EXPECT_EQ(sweep_sizes({0, 100, 1, 2}, 12), (Sizes{0, 12, 24, 48, 96}));
}

TEST(SweepSizes, rounds_down_to_whole_elements_per_rank_and_never_to_more) {
  EXPECT_EQ(sweep_sizes({4, 36, 4, 0}, 4), (Sizes{4, 8, 12, 16, 20, 24, 28, 32, 36}));
  EXPECT_EQ(sweep_sizes({100, 100, 1, 0}, 12), (Sizes{96}));
}

TEST(SweepSizes, visits_each_size_once) {
  EXPECT_EQ(sweep_sizes({4, 40, 4, 0}, 12), (Sizes{0, 12, 24, 36}));
  EXPECT_EQ(sweep_sizes({8, 64, 1, 2}, 16), (Sizes{0, 16, 32, 64}));
}

TEST(SweepSizes, ends_at_the_largest_size_without_overflow) {
  const std::size_t top = ~std::size_t{0};
  EXPECT_EQ(sweep_sizes({top - 1, top, 8, 0}, 1), (Sizes{top - 1}));
  EXPECT_EQ(sweep_sizes({top / 2, top, 1, 3}, 1), (Sizes{top / 2}));
}

TEST(SweepSizes, refuses_sweeps_that_do_not_end) {
  EXPECT_THROW(static_cast<void>(sweep_sizes({8, 4, 1, 2}, 1)), UsageError);
  EXPECT_THROW(static_cast<void>(sweep_sizes({8, 16, 0, 0}, 1)), UsageError);
  EXPECT_THROW(static_cast<void>(sweep_sizes({8, 16, 1, 1}, 1)), UsageError);
  EXPECT_THROW(static_cast<void>(sweep_sizes({0, std::size_t{1} << 30, 1, 0}, 1)), UsageError);
  EXPECT_EQ(sweep_sizes({8, 8, 0, 0}, 1), Sizes{8});
}

}  // namespace
}  // namespace rlx::bench
