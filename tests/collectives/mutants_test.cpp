#include <gtest/gtest.h>

#include <algorithm>

#include "collectives/verifier/mutate.hpp"

namespace rlx::collectives::verifier {
namespace {

// Every kind of seeded fault, over all algorithms and 2 to 8 ranks or
// several shapes of nodes, once for all tests.
const std::vector<Tally>& all_tallies() {
  static const std::vector<Tally> tallies = [] {
    std::vector<Tally> all;
    const auto add = [&](const Algorithm& algorithm, const Group& group) {
      for (Tally& tally : mutate(algorithm, group)) all.push_back(std::move(tally));
    };
    const Nodes shapes[] = {Nodes(std::vector<std::uint32_t>{0, 0, 1}),
                            Nodes(std::vector<std::uint32_t>{0, 1, 0, 1}),
                            Nodes(std::vector<std::uint32_t>{0, 0, 0, 1, 1, 2})};
    for (const Algorithm& algorithm : algorithms()) {
      if (algorithm.needs.reach == Reach::nodes) {
        for (const Nodes& nodes : shapes) add(algorithm, {nodes.ranks(), 0, &nodes});
      } else {
        for (std::uint32_t ranks = 2; ranks <= 8; ++ranks) add(algorithm, {ranks});
      }
    }
    return all;
  }();
  return tallies;
}

class EveryMutant : public testing::TestWithParam<std::string_view> {};

TEST_P(EveryMutant, is_rejected_with_a_reason) {
  std::uint32_t tried = 0;
  std::uint32_t reasons = 0;
  for (const Tally& tally : all_tallies()) {
    if (tally.kind != GetParam()) continue;
    tried += tally.tried;
    for (const auto& [fault, count] : tally.reasons) reasons += count;
    EXPECT_TRUE(tally.survivors.empty()) << tally.survivors.front();
    EXPECT_TRUE(tally.tried > 0 || !tally.not_applicable.empty());
  }
  EXPECT_GT(tried, 0u);
  EXPECT_EQ(tried, reasons);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryMutant,
                         testing::Values("delete", "double", "retarget", "shared word",
                                         "unawaited signal", "elided empty message",
                                         "dropped ARRIVE", "dropped EXIT", "D one too small",
                                         "counting instead of a window"),
                         [](const auto& test) {
                           std::string name(test.param);
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

TEST(Mutants, cover_every_kind_that_mutate_knows) {
  for (const Tally& tally : mutate(algorithms()[0], {3})) {
    const auto& tallies = all_tallies();
    EXPECT_TRUE(std::any_of(tallies.begin(), tallies.end(),
                            [&](const Tally& other) { return other.kind == tally.kind; }));
  }
}

TEST(Mutants, are_shown_to_a_witness_with_what_was_done_and_why_it_fails) {
  std::vector<std::string> shown;
  const Witness witness = [&](std::string_view kind, const std::string& what,
                              const Finding* reason) {
    if (kind == "dropped EXIT" && reason != nullptr) shown.push_back(what + ": " + reason->text);
  };
  static_cast<void>(mutate(*find_algorithm(Collective::all_gather, "pull"), {2}, witness));
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_NE(shown[0].find("publish word 1 part 1) and its wait left out"), std::string::npos)
      << shown[0];
  EXPECT_NE(shown[0].find("no EXIT"), std::string::npos) << shown[0];
}

}  // namespace
}  // namespace rlx::collectives::verifier
