#include "tools/explain/why.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rlx::explain {
namespace {

using collectives::Collective;
using collectives::kNoLimit;
using collectives::MemoryKind;
using collectives::TuningTable;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TuningTable table_of(const std::string& topology, const std::string& algorithm) {
  TuningTable table;
  table.put({.key = {.collective = Collective::all_reduce, .ranks = 4, .topology = topology},
             .crossovers = {{kNoLimit, algorithm, 0}},
             .stream_from = 1 << 20});
  return table;
}

TEST(Why, names_the_cost_model_and_what_every_algorithm_would_cost) {
  const std::string text = why({.bytes = 64 << 10});
  EXPECT_THAT(text, AllOf(HasSubstr("all_reduce, 4 ranks, mapped, heap, out of place: 65536 bytes"),
                          HasSubstr("by the rule: cost model"), HasSubstr("there is no table"),
                          HasSubstr("\n* "), HasSubstr("double_binary_tree")));
  for (const auto& algorithm : collectives::algorithms())
    if (algorithm.collective == Collective::all_reduce &&
        algorithm.needs.reach != collectives::Reach::nodes) {
      EXPECT_THAT(text, HasSubstr(" " + std::string(algorithm.name) + " "));
    }
}

TEST(Why, names_the_entry_of_the_table) {
  const TuningTable table = table_of("mapped", "circulant");
  const std::string text = why({.bytes = 8, .file = "t.json", .tuning = &table});
  EXPECT_THAT(text, AllOf(HasSubstr("chosen: circulant in 1 piece, by the rule: table"),
                          HasSubstr("t.json (1 entries)"), HasSubstr("circulant up to any length"),
                          HasSubstr("written past the caches from 1048576 bytes"),
                          HasSubstr("\n* circulant")));
}

TEST(Why, names_what_was_forced_before_the_table) {
  const TuningTable table = table_of("mapped", "circulant");
  Question question{.bytes = 8, .file = "t.json", .tuning = &table};
  question.config.algorithm = "all_reduce=ring";
  EXPECT_THAT(why(question), AllOf(HasSubstr("chosen: ring in 1 piece, by the rule: forced"),
                                   HasSubstr("RLX_ALGORITHM=all_reduce=ring")));
}

TEST(Why, says_why_the_table_does_not_decide) {
  const TuningTable table = table_of("ofi:tcp;ofi_rxm", "two_shot");
  Question question{.bytes = 8, .over = Over::ofi, .file = "t.json", .tuning = &table};
  EXPECT_THAT(why(question), AllOf(HasSubstr("by the rule: cost model"),
                                   HasSubstr("but two_shot loads and stores peers' memory")));
  question.memory = MemoryKind::private_memory;
  EXPECT_THAT(why(question), HasSubstr("not measured: all_reduce, 4 ranks, ofi:tcp;ofi_rxm, "
                                       "private, out of place"));
}

TEST(Why, knows_what_lines_cost_by_the_layout_of_the_caches_where_memory_is_mapped) {
  const Question mesh{.ranks = 2, .bytes = 64};
  Question complexes = mesh;
  complexes.caches = collectives::CacheLayout::complexes;
  EXPECT_THAT(why(mesh), HasSubstr("caches: mesh"));
  EXPECT_THAT(why(complexes), HasSubstr("caches: complexes"));
  EXPECT_NE(why(mesh), why(complexes));
  complexes.over = Over::ofi;
  EXPECT_THAT(why(complexes), HasSubstr("caches: mesh"));
}

TEST(Why, says_what_keeps_algorithms_from_being_considered) {
  EXPECT_THAT(why({.bytes = 8, .over = Over::ofi}),
              HasSubstr("not considered: lines loads and stores peers' memory"));
  EXPECT_THAT(why({.bytes = 8}), Not(HasSubstr("not considered")));
  const collectives::Nodes nodes(std::vector<std::uint32_t>{0, 0, 1, 1});
  EXPECT_THAT(why({.nodes = &nodes, .bytes = 8}),
              AllOf(HasSubstr("hybrid:"), HasSubstr("2x2"), HasSubstr("* leaders_line")));
  EXPECT_THAT(why({.ranks = 5000, .bytes = 8}),
              HasSubstr("not considered: ring does not support 5000 ranks"));
  Question small{.ranks = 64, .bytes = 8};
  small.config.slot_bytes = 512;
  EXPECT_THAT(why(small), HasSubstr("a slot of 512 bytes does not hold a line of each"));
}

}  // namespace
}  // namespace rlx::explain
