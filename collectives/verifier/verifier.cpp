#include "collectives/verifier/verifier.hpp"

#include <fmt/format.h>

#include <random>

#include "collectives/verifier/machine.hpp"

namespace rlx::collectives::verifier {

namespace {

constexpr std::uint32_t kRandomMixes = 4;  // for each W
constexpr std::uint32_t kSeed = 20240229;  // fixed: the same mixes every time

void compare(Findings& findings, std::string_view what, std::uint64_t counted,
             std::uint64_t declared) {
  if (counted != declared)
    findings.add(Fault::cost, fmt::format("{} {} counted, {} declared", counted, what, declared));
}

void compare_costs(Findings& findings, const Cost& counted, const Cost& declared) {
  compare(findings, "rounds", counted.rounds, declared.rounds);
  compare(findings, "chunks sent by a rank", counted.sent_chunks, declared.sent_chunks);
  compare(findings, "chunks along a chain", counted.path_chunks, declared.path_chunks);
  compare(findings, "chunks reduced by a rank", counted.reduced_chunks, declared.reduced_chunks);
  compare(findings, "chunks of the message", counted.chunks, declared.chunks);
  compare(findings, "messages of a rank", counted.messages, declared.messages);
  compare(findings, "chunks copied by a rank", counted.copied_chunks, declared.copied_chunks);
  compare(findings, "chunks of scratch", counted.scratch_chunks, declared.scratch_chunks);
  compare(findings, "chunks loaded from peers", counted.loaded_chunks, declared.loaded_chunks);
  compare(findings, "chunks stored to peers", counted.stored_chunks, declared.stored_chunks);
  compare(findings, "rounds within nodes", counted.node_rounds, declared.node_rounds);
  compare(findings, "messages of a rank within its node", counted.node_messages,
          declared.node_messages);
  compare(findings, "ranks of a node that send", counted.senders, declared.senders);
}

// The depths D that a communicator with these kinds may use.
std::vector<std::uint32_t> depths(std::uint32_t window, bool all_dependent) {
  if (all_dependent) return {2 * window};
  return {2 * window + 1, 4 * window};
}

// Runs sequences of one communicator and keeps what is found.
class Mixer {
 public:
  Mixer(const EpochFacts& barrier, const MixOptions& options)
      : barrier_(barrier), options_(options) {}

  void run(const Sequence& sequence, const WindowRule& rule) {
    ++report_.sequences;
    const bool guard = options_.guard == MixOptions::Guard::on;
    const Sequence epochs = guard ? guarded(sequence, rule, barrier_) : sequence;
    WindowRule faulty = rule;
    faulty.depth -= options_.depth_missing;
    report_.findings.add(check_window(epochs, faulty), fmt::format("W = {}", rule.window));
  }

  // Each set is used by `a` and then by `b`; and both alternate.
  void run_pair(const EpochFacts& a, const EpochFacts& b, const WindowRule& rule) {
    const std::uint32_t epochs = rule.depth + rule.window;
    Sequence halves;
    Sequence turns;
    for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
      halves.push_back(epoch < rule.depth ? &a : &b);
      turns.push_back(epoch % 2 == 0 ? &a : &b);
    }
    run(halves, rule);
    if (&a != &b) run(turns, rule);
  }

  MixReport take() { return std::move(report_); }

 private:
  const EpochFacts& barrier_;
  const MixOptions& options_;
  MixReport report_;
};

}  // namespace

Family family_of(const Algorithm& algorithm, const Group& group) {
  Family family{fmt::format("{}/{}", to_string(algorithm.collective), algorithm.name), {}, {}};
  // To the others all messages are alike.
  if (algorithm.needs.reach == Reach::nodes) family.nodes = group.nodes;
  family.schedules.reserve(group.size);
  for (std::uint32_t rank = 0; rank < group.size; ++rank)
    family.schedules.push_back(algorithm.generate({group.size, rank, family.nodes}));
  family.declared = algorithm.cost(group);
  family.apart = algorithm.needs.apart;
  return family;
}

EpochFacts check_family(const Family& family) {
  EpochFacts facts = run_epoch(family.schedules, Placement::out_of_place, family.nodes);
  facts.name = family.name;
  const bool placeable = family.schedules[0].collective != Collective::barrier && !family.apart;
  if (placeable && facts.findings.empty())
    facts.findings.add(run_epoch(family.schedules, Placement::in_place, family.nodes).findings,
                       "in place");
  if (family.declared && facts.findings.empty())
    compare_costs(facts.findings, facts.counted, *family.declared);
  return facts;
}

MixReport check_mixes(const EpochFacts& focus, std::span<const EpochFacts* const> others,
                      const EpochFacts& barrier, const MixOptions& options) {
  Mixer mixer(barrier, options);
  std::mt19937 random(kSeed);
  bool all_dependent = focus.all_dependent;
  for (const EpochFacts* other : others) all_dependent = all_dependent && other->all_dependent;
  for (const std::uint32_t window : options.windows) {
    for (const std::uint32_t depth : depths(window, all_dependent)) {
      const WindowRule rule{window, depth, options.start};
      mixer.run_pair(focus, focus, rule);
      for (const EpochFacts* other : others) {
        if (other == &focus) continue;
        mixer.run_pair(focus, *other, rule);
        mixer.run_pair(*other, focus, rule);
      }
      std::uniform_int_distribution<std::size_t> any(0, others.size());
      for (std::uint32_t mix = 0; mix < kRandomMixes && !others.empty(); ++mix) {
        Sequence sequence;
        for (std::uint32_t epoch = 0; epoch < 2 * depth + window; ++epoch) {
          const std::size_t choice = any(random);
          sequence.push_back(choice == others.size() ? &focus : others[choice]);
        }
        mixer.run(sequence, rule);
      }
    }
  }
  return mixer.take();
}

std::vector<const EpochFacts*> Partners::views() const {
  std::vector<const EpochFacts*> views;
  for (const EpochFacts& one : facts) views.push_back(&one);
  return views;
}

Partners partners_of(const Algorithm& algorithm, const Group& group) {
  Partners partners;
  for (const Algorithm& other : algorithms()) {
    if (&other == &algorithm || !other.supports(group)) continue;
    if (group.nodes != nullptr && other.needs.reach == Reach::load_store) continue;
    const Family family = family_of(other, group);
    EpochFacts facts = run_epoch(family.schedules, Placement::out_of_place, family.nodes);
    facts.name = family.name;
    if (!facts.findings.empty()) continue;
    if (other.collective == Collective::barrier) partners.barrier = partners.facts.size();
    partners.facts.push_back(std::move(facts));
  }
  return partners;
}

Verdict verify(const Algorithm& algorithm, const Group& group) {
  const EpochFacts focus = check_family(family_of(algorithm, group));
  Verdict verdict{focus.findings, focus.counted, focus.all_dependent, 0, 0};
  if (!focus.findings.empty()) return verdict;
  const Partners partners = partners_of(algorithm, group);
  const MixReport report = check_mixes(focus, partners.views(), partners.barrier_or(focus));
  verdict.findings = report.findings;
  verdict.partners = static_cast<std::uint32_t>(partners.facts.size());
  verdict.sequences = report.sequences;
  return verdict;
}

}  // namespace rlx::collectives::verifier
