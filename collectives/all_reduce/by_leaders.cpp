// One rank of each node speaks for it: short vectors of ranks that share nodes.
//
//   Every rank publishes its vector, the first rank of each node adds up those of its node, the
//   first ranks run recursive doubling among themselves, and each publishes the result to its
//   mates.
//
// Rounds: those of doubling between nodes, ceil(log2 N) or so, n bytes each, and 2 within nodes.
// As few messages as there can be, which is what short calls are made of (Luo, Wu, Bosilca, Pei,
// Wang, Patinyasakdikul, Zhong and Dongarra, "HAN: a hierarchical autotuned collective
// communication framework", CLUSTER 2020). In two forms: in the lines of signals, up to 56 bytes,
// and through a slot of each rank.
//
// Nobody's input or output is touched by a peer. Lines and slots are written once an epoch and
// belong to its set, which is used again when everybody is done with it (all ranks wait for all,
// rule 5).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/mates.hpp"
#include "collectives/splice.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_reduce {

namespace doubling {
Schedule generate(const Group&);
Cost cost(std::uint32_t);
bool supports(std::uint32_t);
}  // namespace doubling
namespace doubling_line {
Schedule generate(const Group&);
Cost cost(std::uint32_t);
bool supports(std::uint32_t);
}  // namespace doubling_line

namespace {

constexpr Word kVector = 0;
constexpr Word kResult = 1;
constexpr Word kNetwork = 2;  // and on: the leaders'

constexpr std::uint32_t kVectorSlot = 0;
constexpr std::uint32_t kResultSlot = 1;
constexpr std::uint32_t kSlots = 2;

// How mates see each other's vectors.
struct InSlots {
  static constexpr std::uint32_t kScratch = kSlots;
  static Schedule generate(const Group& group) { return doubling::generate(group); }
  static Cost cost(std::uint32_t ranks) { return doubling::cost(ranks); }
  static bool supports(std::uint32_t ranks) { return doubling::supports(ranks); }
  static void show(Builder& b, Word word, Ref from) {
    const Ref slot = b.scratch(word == kVector ? kVectorSlot : kResultSlot);
    b.copy(slot, from);
    b.publish(word);
  }
  static Ref shown(std::uint32_t mate, Word word) {
    return Builder::scratch_of(mate, word == kVector ? kVectorSlot : kResultSlot);
  }
};

struct InLines {
  static constexpr std::uint32_t kScratch = 0;
  static Schedule generate(const Group& group) { return doubling_line::generate(group); }
  static Cost cost(std::uint32_t ranks) { return doubling_line::cost(ranks); }
  static bool supports(std::uint32_t ranks) { return doubling_line::supports(ranks); }
  static void show(Builder& b, Word word, Ref from) { b.publish(word, from); }
  static Ref shown(std::uint32_t mate, Word word) { return Builder::line_of(mate, word); }
};

template <class Carrier>
void lead(Builder& b, const Nodes& nodes, const Mates& mates) {
  mates.for_each([&](std::uint32_t mate) { b.await_published(kVector, mate); });
  if (mates.any()) {
    b.reduce(b.output(0), mates.of_all(b.input(0), [](std::uint32_t mate) {
      return Carrier::shown(mate, kVector);
    }));
  }
  Part part;
  part.schedule = Carrier::generate({nodes.count(), mates.node()});
  for (std::uint32_t node = 0; node < nodes.count(); ++node)
    part.members.push_back({nodes.leader(node), kNetwork, Carrier::kScratch});
  part.memory.output = [](std::uint32_t) { return Builder::output(0); };
  part.memory.input = part.memory.output;
  if (!mates.any()) part.memory.input = [](std::uint32_t) { return Builder::input(0); };
  splice(b, {&part, 1});
  if (mates.any()) Carrier::show(b, kResult, b.output(0));
}

template <class Carrier>
struct ByLeaders {
  static Schedule generate(const Group& group) {
    const Nodes& nodes = *group.nodes;
    const Mates mates(nodes, group.me);
    Builder b(Collective::all_reduce, group, 1, cost(group).scratch_chunks);
    if (mates.lead()) {
      lead<Carrier>(b, nodes, mates);
      return b.finish();
    }
    Carrier::show(b, kVector, b.input(0));
    b.await_published(kResult, mates.leader());
    b.copy(b.output(0), Carrier::shown(mates.leader(), kResult));
    return b.finish();
  }

  static Cost cost(const Group& group) {
    const Nodes& nodes = *group.nodes;
    Cost cost = Carrier::cost(nodes.count());
    const bool slots = Carrier::kScratch == kSlots;
    std::uint64_t reduced = 0;
    std::uint64_t copied = slots ? 2 : 1;  // a mate's
    for (std::uint32_t node = 0; node < nodes.count(); ++node) {
      const Cost across = work_of(nodes, node);
      raise(reduced, across.reduced_chunks + nodes.size_of(node) - 1);
      raise(copied, across.copied_chunks + (slots && nodes.size_of(node) > 1 ? 1 : 0));
    }
    cost.reduced_chunks = reduced;
    cost.copied_chunks = copied;
    cost.loaded_chunks = nodes.largest() - 1;
    cost.scratch_chunks += Carrier::kScratch;
    cost.node_rounds = 2;
    cost.node_messages = 1;
    return cost;
  }

  static bool supports(const Group& group) {
    if (group.nodes == nullptr || !group.nodes->mixed()) return false;
    const Nodes& nodes = *group.nodes;
    return nodes.largest() <= kMaxOperands && Carrier::supports(nodes.count()) &&
           Carrier::generate({nodes.count(), 0}).words <= kWordsPerSet - kNetwork;
  }

 private:
  /// What the leader of this node does among leaders.
  static Cost work_of(const Nodes& nodes, std::uint32_t node) {
    const Schedule schedule = Carrier::generate({nodes.count(), node});
    Cost cost;
    for (const Step& step : schedule.steps) {
      if (step.kind == StepKind::reduce) cost.reduced_chunks += step.sources - std::uint32_t{1};
      if (step.kind == StepKind::copy) cost.copied_chunks += 1;
    }
    return cost;
  }
};

}  // namespace

namespace leaders {
Schedule generate(const Group& group) { return ByLeaders<InSlots>::generate(group); }
Cost cost(const Group& group) { return ByLeaders<InSlots>::cost(group); }
bool supports(const Group& group) { return ByLeaders<InSlots>::supports(group); }
}  // namespace leaders

namespace leaders_line {
Schedule generate(const Group& group) { return ByLeaders<InLines>::generate(group); }
Cost cost(const Group& group) { return ByLeaders<InLines>::cost(group); }
bool supports(const Group& group) { return ByLeaders<InLines>::supports(group); }
}  // namespace leaders_line

}  // namespace rlx::collectives::all_reduce
