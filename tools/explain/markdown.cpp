// docs/algorithms.md, made from the table so that it cannot go out of date.

#include <fmt/format.h>

#include "tools/explain/schedule_text.hpp"

namespace rlx::explain {

namespace {

using collectives::Algorithm;
using collectives::Collective;
using collectives::Cost;
using collectives::Group;
using collectives::Nodes;

constexpr std::uint32_t kExampleRanks = 4;
constexpr std::uint32_t kExampleRank = 1;

constexpr std::string_view kIntroduction = R"(# Algorithms

Made by `rlx-explain --markdown`; a test compares this page with the table. To add an algorithm see
CONTRIBUTING.md.

An algorithm is a function that writes one rank's schedule: puts, signals, waits, copies and
reductions over chunks (docs/contract.md). It declares its cost by formula; the verifier counts the
same from the schedules (`rlx-explain COLLECTIVE -n P --verify`) and compares. In the tables n is the
vector of an all_reduce and one rank's block of an all_gather or reduce_scatter; sent, reduced and
copied are those of the busiest rank. Rounds are the longest chain of messages, each depending on the
one before; algorithms for several nodes tell those between nodes from those within, and what they send
from what they load and store. Which algorithm runs is decided by name (`RLX_ALGORITHM=ring` or
`RLX_ALGORITHM=all_reduce=circulant,all_gather=bruck`), by what was measured (docs/tuning.md), or by a
cost model from these numbers.
)";

std::string cost_row(const Algorithm& algorithm, const std::string& name, const Group& group) {
  const Cost cost = algorithm.cost(group);
  const std::string rounds = cost.node_rounds == 0
                                 ? fmt::format("{}", cost.rounds)
                                 : fmt::format("{} + {}", cost.rounds, cost.node_rounds);
  return fmt::format(
      "| {} | {} | {} | {} | {} | {} | {} |\n", name, rounds, cost.messages,
      share(algorithm, cost, cost.sent_chunks), share(algorithm, cost, cost.reduced_chunks),
      share(algorithm, cost, cost.copied_chunks), share(algorithm, cost, cost.scratch_chunks));
}

std::string on_ranks(const Algorithm& algorithm) {
  std::string text = "| ranks | rounds | messages | sent | reduced | copied | scratch |\n";
  text += "|---|---|---|---|---|---|---|\n";
  for (const std::uint32_t ranks : {2u, 3u, 4u, 8u, 13u, 64u, 128u})
    text += cost_row(algorithm, std::to_string(ranks), {ranks});
  const auto schedule = algorithm.generate({kExampleRanks, kExampleRank});
  return text + fmt::format("\n```\n{}```\n", describe_steps(schedule));
}

// Nodes of so many ranks each.
Nodes nodes_of(std::initializer_list<std::uint32_t> sizes) {
  std::vector<std::uint32_t> node_of;
  std::uint32_t node = 0;
  for (const std::uint32_t size : sizes) node_of.insert(node_of.end(), size, node++);
  return Nodes(node_of);
}

std::string on_nodes(const Algorithm& algorithm) {
  std::string text =
      "| nodes | rounds between + within | messages | sent | reduced | copied | scratch |\n";
  text += "|---|---|---|---|---|---|---|\n";
  for (const Nodes& nodes :
       {nodes_of({2, 1}), nodes_of({2, 2}), nodes_of({3, 2, 2}), nodes_of({4, 4, 4, 4}),
        nodes_of({8, 8, 8, 8, 8, 8, 8, 8}), nodes_of({32, 32, 32, 32})})
    text += cost_row(algorithm, nodes.shape(), {nodes.ranks(), 0, &nodes});
  const Nodes example = nodes_of({2, 2});
  const auto schedule = algorithm.generate({kExampleRanks, kExampleRank, &example});
  return text + fmt::format("\n```\n{}```\n", describe_steps(schedule));
}

std::string section(const Algorithm& algorithm) {
  const std::string text = fmt::format("\n### {}\n\n{}.\n\nAfter {}.\n\n", algorithm.name,
                                       algorithm.summary, algorithm.reference);
  const bool by_nodes = algorithm.needs.reach == collectives::Reach::nodes;
  return text + (by_nodes ? on_nodes(algorithm) : on_ranks(algorithm));
}

}  // namespace

std::string markdown() {
  std::string text(kIntroduction);
  for (const Collective collective : {Collective::all_reduce, Collective::all_gather,
                                      Collective::reduce_scatter, Collective::barrier}) {
    text += fmt::format("\n## {}\n", to_string(collective));
    for (const Algorithm& algorithm : collectives::algorithms())
      if (algorithm.collective == collective) text += section(algorithm);
  }
  return text;
}

}  // namespace rlx::explain
