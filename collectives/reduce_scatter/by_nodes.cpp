// Sums of nodes go straight to the ranks that they are for. Long blocks of ranks that share nodes.
//
//   For each rank of another node one rank of this node, that of the same place or, if this node is
//   smaller, that place modulo its size, adds up its mates' inputs and puts the sum into that
//   rank's scratch. A rank adds up its own block of its mates' inputs and what came from the other
//   nodes.
//
// Rounds and bytes: 1 round between nodes, one block for each rank of another node from each node:
// the least possible; 2 rounds within nodes (Traff and Hunold, "Decomposing MPI collectives for
// exploiting multi-lane communication", CLUSTER 2020). Best for some tens of nodes: a rank has a
// word and a scratch chunk for each of them.
//
// Scratch: chunk i is written by the i-th other node, the chunks after those by this rank alone,
// each once; the set is used again when everybody is done with it (all ranks wait for all, rule 5).
// Inputs are read by mates, whose EXIT is awaited (rule 3); in place the result overwrites my own
// block, which nobody else reads. A rank without mates puts straight from its input, other ranks'
// blocks, which nobody writes.

#include <algorithm>

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/mates.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::reduce_scatter {

namespace {

constexpr Word kArrive = 0;
constexpr Word kExit = 1;
constexpr Word kNetwork = 2;  // and on: one of each other node

/// The place of a node among the others of a rank on `mine`, beginning with the next one.
std::uint32_t number_of(const Nodes& nodes, std::uint32_t mine, std::uint32_t other) {
  return (other + nodes.count() - mine) % nodes.count() - 1;
}

std::uint32_t scratch_of(const Nodes& nodes) {
  std::uint32_t most = 0;
  for (std::uint32_t rank = 0; rank < nodes.ranks(); ++rank)
    if (nodes.size_of(nodes.node_of(rank)) > 1) most = std::max(most, nodes.stands_for(rank));
  return nodes.count() - 1 + most;
}

// One rank's schedule.
class ByNodes {
 public:
  explicit ByNodes(const Group& group)
      : nodes_(*group.nodes),
        mates_(nodes_, group.me),
        b_(Collective::reduce_scatter, group, group.size, scratch_of(nodes_)) {}

  Schedule run() {
    arrive_on_node(b_, mates_, kArrive);
    std::uint32_t next = nodes_.count() - 1;
    mates_.for_each_other_node([&](std::uint32_t node) {
      mates_.for_each_counterpart(node, [&](std::uint32_t rank) { put_sum(rank, next++); });
    });
    finish();
    meet_on_node(b_, mates_, kExit);
    return b_.finish();
  }

 private:
  std::vector<Ref> inputs(std::uint32_t block) const {
    return mates_.of_all(b_.input(block),
                         [&](std::uint32_t mate) { return b_.input_of(mate, block); });
  }

  void put_sum(std::uint32_t rank, std::uint32_t chunk) {
    const std::uint32_t there = number_of(nodes_, nodes_.node_of(rank), mates_.node());
    if (mates_.any()) b_.reduce(b_.scratch(chunk), inputs(rank));
    b_.put(rank, b_.scratch(there), mates_.any() ? b_.scratch(chunk) : b_.input(rank),
           static_cast<Word>(kNetwork + there));
  }

  /// Nodes are added in their order, the same on every rank.
  void finish() {
    std::vector<Ref> sums;
    for (std::uint32_t node = 0; node < nodes_.count(); ++node) {
      if (node == mates_.node()) {
        for (const Ref& input : inputs(b_.me())) sums.push_back(input);
        continue;
      }
      const std::uint32_t number = number_of(nodes_, mates_.node(), node);
      b_.wait(static_cast<Word>(kNetwork + number), nodes_.counterpart(node, mates_.place()));
      sums.push_back(b_.scratch(number));
    }
    b_.reduce(b_.output(0), sums, Finalise::yes);
  }

  const Nodes& nodes_;
  Mates mates_;
  Builder b_;
};

}  // namespace

namespace by_nodes {

Schedule generate(const Group& group) { return ByNodes(group).run(); }

Cost cost(const Group& group) {
  const Nodes& nodes = *group.nodes;
  Cost cost{.rounds = 1,
            .path_chunks = 1,
            .chunks = group.size,
            .scratch_chunks = scratch_of(nodes),
            .node_rounds = 2,
            .senders = 0};
  for (std::uint32_t rank = 0; rank < group.size; ++rank) {
    const std::uint32_t sums = nodes.stands_for(rank);
    const std::uint32_t mates = nodes.size_of(nodes.node_of(rank)) - 1;
    raise(cost.sent_chunks, sums);
    raise(cost.messages, sums);
    raise(cost.reduced_chunks, std::uint64_t{sums + 1} * mates + nodes.count() - 1);
    raise(cost.loaded_chunks, std::uint64_t{sums + 1} * mates);
    raise(cost.node_messages, mates > 0 ? 2 : 0);
  }
  for (std::uint32_t node = 0; node < nodes.count(); ++node)
    raise(cost.senders, nodes.standing(node));
  return cost;
}

bool supports(const Group& group) {
  if (group.nodes == nullptr || !group.nodes->mixed()) return false;
  return group.nodes->count() - 1 + kNetwork <= kWordsPerSet &&
         group.nodes->count() + group.nodes->largest() <= kMaxOperands;
}

}  // namespace by_nodes
}  // namespace rlx::collectives::reduce_scatter
