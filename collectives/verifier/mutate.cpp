#include "collectives/verifier/mutate.hpp"

#include <fmt/format.h>

#include <optional>

#include "collectives/verifier/mutants.hpp"
#include "collectives/verifier/verifier.hpp"

namespace rlx::collectives::verifier {

namespace {

class Mutation {
 public:
  Mutation(const Algorithm& algorithm, const Group& group, const Witness& witness)
      : algorithm_(algorithm),
        group_(group),
        witness_(witness),
        family_(family_of(algorithm, group)),
        facts_(check_family(family_)) {}

  std::vector<Tally> run() {
    steps("delete", delete_steps);
    steps("double", double_steps);
    steps("retarget", retarget_steps);
    steps("shared word", share_words);
    if (tallies_.back().tried == 0)
      tallies_.back().not_applicable = "with 2 ranks a word has no second writer";
    steps("unawaited signal", add_unawaited);
    start("elided empty message");
    elide_empty(family_.schedules, facts_.payloads, visitor(family_));
    steps("dropped ARRIVE", drop_arrivals);
    if (tallies_.back().tried == 0)
      tallies_.back().not_applicable = "nobody touches a peer's input or output";
    exits();
    mixes("D one too small", {.depth_missing = 1}, kWindows);
    mixes("counting instead of a window", {.start = StartRule::counted},
          std::span(kWindows).subspan(1));
    return std::move(tallies_);
  }

 private:
  void start(std::string_view kind) { tallies_.push_back({kind, 0, {}, {}, {}}); }

  void judge(const std::string& what, const Findings& findings) {
    Tally& tally = tallies_.back();
    ++tally.tried;
    const Finding* reason = findings.empty() ? nullptr : &findings.kept().front();
    if (reason == nullptr) {
      tally.survivors.push_back(what);
    } else {
      ++tally.reasons[reason->fault];
    }
    if (witness_) witness_(tally.kind, what, reason);
  }

  Visit visitor(const Family& original) {
    return [this, &original](const std::string& what, const Schedules& mutant) {
      judge(what,
            check_family({original.name, mutant, original.declared, original.apart, original.nodes})
                .findings);
    };
  }

  void steps(std::string_view kind, void (*enumerate)(const Schedules&, const Visit&)) {
    start(kind);
    enumerate(family_.schedules, visitor(family_));
  }

  void exits() {
    start("dropped EXIT");
    if (has(algorithm_.needs.exposes, Exposure::input))
      drop_exits(family_.schedules, visitor(family_));
    if (tallies_.back().tried == 0) tallies_.back().not_applicable = "nobody reads a peer's input";
  }

  // Faults of the communicator that runs the schedule among the others of the table.
  void mixes(std::string_view kind, MixOptions options, std::span<const std::uint32_t> windows) {
    start(kind);
    const Partners partners = partners_of(algorithm_, group_);
    for (const std::uint32_t& window : windows) {
      options.windows = {&window, 1};
      judge(fmt::format("W = {}", window),
            check_mixes(facts_, partners.views(), partners.barrier_or(facts_), options).findings);
    }
  }

  const Algorithm& algorithm_;
  Group group_;
  const Witness& witness_;
  Family family_;
  EpochFacts facts_;
  std::vector<Tally> tallies_;
};

}  // namespace

std::vector<Tally> mutate(const Algorithm& algorithm, const Group& group, const Witness& witness) {
  return Mutation(algorithm, group, witness).run();
}

}  // namespace rlx::collectives::verifier
