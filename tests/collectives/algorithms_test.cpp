#include "collectives/algorithms.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <set>
#include <string>

#include "collectives/verifier/verifier.hpp"
#include "rlx/error.hpp"

namespace rlx::collectives {
namespace {

std::string texts(const verifier::Findings& findings) {
  std::string text;
  for (const verifier::Finding& finding : findings.kept())
    text += std::string(to_string(finding.fault)) + ": " + finding.text + "\n";
  return text;
}

// Those for several nodes are in nodes_test.cpp.
std::vector<const Algorithm*> pointers() {
  std::vector<const Algorithm*> all;
  for (const Algorithm& algorithm : algorithms())
    if (algorithm.needs.reach != Reach::nodes) all.push_back(&algorithm);
  return all;
}

class EveryAlgorithm : public testing::TestWithParam<const Algorithm*> {};

TEST_P(EveryAlgorithm, is_verified_among_the_others_on_1_to_17_ranks_and_some_more) {
  for (const std::uint32_t ranks :
       {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 10u, 11u, 12u, 13u, 14u, 15u, 16u, 17u, 24u, 33u}) {
    const verifier::Verdict verdict = verifier::verify(*GetParam(), {ranks});
    EXPECT_TRUE(verdict.findings.empty()) << ranks << " ranks\n" << texts(verdict.findings);
    EXPECT_TRUE(verdict.all_dependent);
    EXPECT_EQ(verdict.partners, pointers().size() - 1);
  }
}

// Flat schedules are for few ranks: a word for each, or a reduction that takes them all.
std::uint32_t most_ranks(const Algorithm& algorithm) {
  const bool a_word_each =
      algorithm.name == "exchange" || algorithm.name == "line" ||
      (algorithm.name == "lines" && algorithm.collective == Collective::reduce_scatter);
  if (algorithm.needs.reach == Reach::load_store && !a_word_each) return 255;
  return a_word_each ? 64 : 4096;
}

// Of all algorithms that run on so many, worked out once for all tests.
using Epochs = std::map<const Algorithm*, verifier::EpochFacts>;
const Epochs& epochs_on_128_ranks() {
  static const Epochs all = [] {
    Epochs epochs;
    for (const Algorithm& algorithm : algorithms())
      if (algorithm.supports({128}))
        epochs.emplace(&algorithm, verifier::check_family(verifier::family_of(algorithm, {128})));
    return epochs;
  }();
  return all;
}

TEST_P(EveryAlgorithm, is_right_alone_and_costs_what_it_declares_on_18_to_64_ranks_and_on_128) {
  for (std::uint32_t ranks = 18; ranks <= 64; ++ranks) {
    const auto facts = verifier::check_family(verifier::family_of(*GetParam(), {ranks}));
    EXPECT_TRUE(facts.findings.empty()) << ranks << " ranks\n" << texts(facts.findings);
  }
  if (most_ranks(*GetParam()) < 128) return;
  const Epochs& all = epochs_on_128_ranks();
  const verifier::EpochFacts& mine = all.at(GetParam());
  EXPECT_TRUE(mine.findings.empty()) << texts(mine.findings);
  // Those before it in the table have been mixed with this one, in either order.
  std::vector<const verifier::EpochFacts*> views;
  for (auto next = all.find(GetParam()); next != all.end(); ++next) views.push_back(&next->second);
  const auto mixes = verifier::check_mixes(
      mine, views, all.at(find_algorithm(Collective::barrier, "dissemination")));
  EXPECT_TRUE(mixes.findings.empty()) << texts(mixes.findings);
}

TEST_P(EveryAlgorithm, supports_any_number_of_ranks_up_to_its_largest) {
  const std::uint32_t most = most_ranks(*GetParam());
  for (const std::uint32_t ranks : {1u, 2u, 3u, most - 1, most})
    EXPECT_TRUE(GetParam()->supports({ranks})) << ranks;
}

TEST_P(EveryAlgorithm, generates_what_it_supports_at_its_largest) {
  const std::uint32_t most = most_ranks(*GetParam());
  const Schedule schedule = GetParam()->generate({most, most - 1});
  EXPECT_LE(schedule.words, 64);
  EXPECT_EQ(schedule.scratch_chunks, GetParam()->cost({most}).scratch_chunks);
}

INSTANTIATE_TEST_SUITE_P(Table, EveryAlgorithm, testing::ValuesIn(pointers()),
                         [](const auto& test) {
                           return std::string(to_string(test.param->collective)) + "_" +
                                  std::string(test.param->name);
                         });

TEST(Algorithms, are_found_by_collective_and_name) {
  for (const Algorithm& algorithm : algorithms())
    EXPECT_EQ(find_algorithm(algorithm.collective, algorithm.name), &algorithm);
  EXPECT_EQ(find_algorithm(Collective::all_reduce, "bruck"), nullptr);
  EXPECT_NE(find_algorithm(Collective::all_reduce, "double_binary_tree"), nullptr);
}

TEST(Algorithms, of_logarithmic_kind_need_the_fewest_rounds_for_any_number_of_ranks) {
  for (std::uint32_t ranks = 1; ranks <= 200; ++ranks) {
    const auto fewest = static_cast<std::uint32_t>(std::bit_width(ranks - 1));
    EXPECT_EQ(find_algorithm(Collective::all_gather, "bruck")->cost({ranks}).rounds, fewest);
    EXPECT_EQ(find_algorithm(Collective::reduce_scatter, "circulant")->cost({ranks}).rounds,
              fewest);
  }
}

TEST(Algorithms, of_a_long_ring_go_on_in_a_second_word) {
  const Algorithm* ring = find_algorithm(Collective::all_reduce, "ring");
  EXPECT_EQ(ring->generate({2048, 5}).words, 2);
  EXPECT_EQ(ring->generate({2049, 5}).words, 3);
}

TEST(DoubleBinaryTree, sends_at_most_4_halves_and_from_every_rank_at_least_1) {
  const Algorithm* tree = find_algorithm(Collective::all_reduce, "double_binary_tree");
  for (std::uint32_t ranks = 2; ranks <= 130; ++ranks) {
    std::uint32_t total = 0;
    for (std::uint32_t rank = 0; rank < ranks; ++rank) {
      std::uint32_t puts = 0;
      for (const Step& step : tree->generate({ranks, rank}).steps)
        puts += step.kind == StepKind::put ? 1 : 0;
      EXPECT_GE(puts, 1u);
      EXPECT_LE(puts, 4u);
      total += puts;
    }
    EXPECT_EQ(total, 4 * (ranks - 1));  // up and down each edge of two trees
  }
}

TEST(Collectives, are_parsed_by_name_and_an_unknown_name_lists_them) {
  EXPECT_EQ(parse_collective("reduce_scatter"), Collective::reduce_scatter);
  EXPECT_EQ(to_string(Collective::all_gather), "all_gather");
  try {
    static_cast<void>(parse_collective("broadcats"));
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_NE(std::string_view(error.what()).find("all_reduce, all_gather"),
              std::string_view::npos);
  }
}

}  // namespace
}  // namespace rlx::collectives
