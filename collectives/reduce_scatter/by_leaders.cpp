// One rank of each node speaks for it: short blocks of ranks that share nodes.
//
//   The first rank of each node adds up its mates' inputs, block by block, sends the sums for each
//   other node in one message to the first rank there, and publishes when it has got theirs; then
//   every rank adds up its own block of its mates' inputs and what came for it.
//
// 1 round of N - 1 messages between nodes, of as many blocks as the other node has ranks, and 2
// rounds within nodes, and an EXIT (Luo et al., "HAN: a hierarchical autotuned collective
// communication framework", CLUSTER 2020). Best for some tens of nodes: a word for each.
//
// Scratch: the chunks that go out, rank after rank of the other nodes, are written by the leader
// alone; those that come in, node after node, by that node's leader; each once, and the set is used
// again when everybody is done with it (all ranks wait for all, rule 5). Inputs are read by mates,
// whose EXIT is awaited (rule 3). In place a result overwrites its rank's own block, which the
// leader does not read: it needs only those of other nodes.

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/mates.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::reduce_scatter {

namespace {

constexpr Word kArrive = 0;
constexpr Word kSums = 1;
constexpr Word kExit = 2;
constexpr Word kNetwork = 3;  // and on: one of each node

// Where sums lie: those from the other nodes, `largest` of each, and then those for them.
std::uint32_t arrived(const Nodes& nodes, std::uint32_t from, std::uint32_t place) {
  return from * nodes.largest() + place;
}

std::uint32_t leaving(const Nodes& nodes, std::uint32_t to, std::uint32_t place) {
  return (nodes.count() + to) * nodes.largest() + place;
}

constexpr Word word_of(std::uint32_t node) { return static_cast<Word>(kNetwork + node); }

std::vector<Ref> inputs(const Builder& b, const Mates& mates, std::uint32_t block) {
  return mates.of_all(b.input(block),
                      [&](std::uint32_t mate) { return Builder::input_of(mate, block); });
}

void lead(Builder& b, const Nodes& nodes, const Mates& mates) {
  mates.for_each_other_node([&](std::uint32_t node) {
    for (const std::uint32_t rank : nodes.ranks_on(node)) {
      const Ref sum = b.scratch(leaving(nodes, node, nodes.place(rank)));
      b.reduce(sum, inputs(b, mates, rank));
    }
    b.put(nodes.leader(node), b.scratch(arrived(nodes, mates.node(), 0), nodes.size_of(node)),
          b.scratch(leaving(nodes, node, 0), nodes.size_of(node)), word_of(mates.node()));
  });
  mates.for_each_other_node([&](std::uint32_t node) { b.wait(word_of(node), nodes.leader(node)); });
  if (mates.any()) b.publish(kSums);
}

/// Nodes are added in their order, the same on every rank.
void finish(Builder& b, const Nodes& nodes, const Mates& mates) {
  std::vector<Ref> sums;
  for (std::uint32_t node = 0; node < nodes.count(); ++node) {
    if (node == mates.node()) {
      for (const Ref& input : inputs(b, mates, b.me())) sums.push_back(input);
      continue;
    }
    const std::uint32_t chunk = arrived(nodes, node, mates.place());
    sums.push_back(mates.lead() ? b.scratch(chunk) : Builder::scratch_of(mates.leader(), chunk));
  }
  b.reduce(b.output(0), sums, Finalise::yes);
}

}  // namespace

namespace leaders {

Cost cost(const Group& group);

Schedule generate(const Group& group) {
  const Nodes& nodes = *group.nodes;
  const Mates mates(nodes, group.me);
  Builder b(Collective::reduce_scatter, group, group.size, cost(group).scratch_chunks);
  arrive_on_node(b, mates, kArrive);
  if (mates.lead()) {
    lead(b, nodes, mates);
  } else {
    b.await_published(kSums, mates.leader());
  }
  finish(b, nodes, mates);
  meet_on_node(b, mates, kExit);
  return b.finish();
}

Cost cost(const Group& group) {
  const Nodes& nodes = *group.nodes;
  Cost cost{.rounds = 1,
            .chunks = group.size,
            .messages = nodes.count() - 1,
            .scratch_chunks = 2 * nodes.count() * nodes.largest(),
            .node_rounds = 3,
            .node_messages = 3};
  for (std::uint32_t node = 0; node < nodes.count(); ++node) {
    const std::uint64_t mates = nodes.size_of(node) - 1;
    const std::uint64_t others = nodes.count() - 1;
    const std::uint64_t sent = group.size - nodes.size_of(node);
    for (std::uint32_t other = 0; other < nodes.count(); ++other)
      if (other != node) raise(cost.path_chunks, nodes.size_of(other));
    raise(cost.sent_chunks, sent);
    raise(cost.reduced_chunks, (sent + 1) * mates + others);
    raise(cost.loaded_chunks, (sent + 1) * mates);
    if (mates > 0) raise(cost.loaded_chunks, mates + others);  // one that does not lead
  }
  return cost;
}

bool supports(const Group& group) {
  return group.nodes != nullptr && group.nodes->mixed() &&
         group.nodes->count() + kNetwork <= kWordsPerSet &&
         group.nodes->count() + group.nodes->largest() <= kMaxOperands;
}

}  // namespace leaders
}  // namespace rlx::collectives::reduce_scatter
