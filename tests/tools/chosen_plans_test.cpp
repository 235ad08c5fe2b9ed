#include "tools/bench/chosen_plans.hpp"

#include <gtest/gtest.h>

namespace rlx::bench {
namespace {

Row row(std::size_t size, std::string algorithm, std::uint32_t pieces = 1) {
  Row r{.size = size};
  for (Figures& f : r.figures) {
    f.algorithm = algorithm;
    f.pieces = pieces;
  }
  return r;
}

ChosenPlans plans_of(const std::vector<Row>& rows) {
  ChosenPlans plans;
  for (const Row& one : rows) plans.add(one);
  return plans;
}

TEST(ChosenPlans, one_algorithm_for_all_sizes_is_named_once) {
  EXPECT_EQ(plans_of({row(8, "ring"), row(64, "ring")}).algorithms(), "ring");
  EXPECT_EQ(plans_of({}).algorithms(), "");
}

TEST(ChosenPlans, several_algorithms_come_with_their_sizes) {
  const auto plans = plans_of({row(8, "circulant"), row(64, "circulant"), row(512, "ring")});
  EXPECT_EQ(plans.algorithms(), "circulant (8 to 64 B), ring (512 B)");
}

TEST(ChosenPlans, only_sizes_of_more_than_one_piece_are_listed) {
  const auto plans = plans_of({row(8, "ring"), row(4096, "ring", 16), row(512, "ring", 2)});
  const std::vector<std::string> expected = {"512 B: 2 (ring)", "4096 B: 16 (ring)"};
  EXPECT_EQ(plans.pieces(), expected);
}

TEST(ChosenPlans, what_differs_by_type_or_placement_is_joined) {
  Row mixed = row(4096, "ring", 8);
  mixed.figures[1].pieces = 9;
  const auto plans = plans_of({mixed, row(4096, "ring", 8)});
  EXPECT_EQ(plans.pieces(), std::vector<std::string>{"4096 B: 8 (ring) or 9 (ring)"});
  EXPECT_EQ(plans.algorithms(), "ring");
}

}  // namespace
}  // namespace rlx::bench
