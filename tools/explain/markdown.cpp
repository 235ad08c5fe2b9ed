// docs/algorithms.md, made from the table so that it cannot go out of date.

#include <fmt/format.h>

#include "tools/explain/schedule_text.hpp"

namespace rlx::explain {

namespace {

using collectives::Algorithm;
using collectives::Collective;
using collectives::Cost;

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
one before. Which algorithm runs is decided by name (`RLX_ALGORITHM=ring` or
`RLX_ALGORITHM=all_reduce=circulant,all_gather=bruck`), by what was measured (docs/tuning.md), or by a
cost model from these numbers.
)";

std::string cost_row(const Algorithm& algorithm, std::uint32_t ranks) {
  const Cost cost = algorithm.cost(ranks);
  return fmt::format(
      "| {} | {} | {} | {} | {} | {} | {} |\n", ranks, cost.rounds, cost.messages,
      share(algorithm, cost, cost.sent_chunks), share(algorithm, cost, cost.reduced_chunks),
      share(algorithm, cost, cost.copied_chunks), share(algorithm, cost, cost.scratch_chunks));
}

std::string section(const Algorithm& algorithm) {
  std::string text = fmt::format("\n### {}\n\n{}.\n\nAfter {}.\n\n", algorithm.name,
                                 algorithm.summary, algorithm.reference);
  text += "| ranks | rounds | messages | sent | reduced | copied | scratch |\n";
  text += "|---|---|---|---|---|---|---|\n";
  for (const std::uint32_t ranks : {2u, 3u, 4u, 8u, 13u, 64u, 128u})
    text += cost_row(algorithm, ranks);
  const auto schedule = algorithm.generate({kExampleRanks, kExampleRank});
  return text + fmt::format("\n```\n{}```\n", describe_steps(schedule));
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
