// Every block goes to each other node once, and from there to all ranks of it. Long blocks of ranks
// that share nodes.
//
//   Every rank puts its block straight into the output of one rank of each other node: the one of
//   the same place there, or, on a smaller node, that place modulo its size. That rank publishes
//   how many blocks have come, and its mates copy them from its output as they come.
//
// Rounds and bytes: 2 rounds between nodes (an ARRIVE, then the blocks), each rank sends N - 1
// blocks, all at once: no block goes to a node twice. 3 rounds within nodes (Traff and Hunold,
// "Decomposing MPI collectives for exploiting multi-lane communication", CLUSTER 2020). Best for
// some tens of nodes: a rank has a word for each rank of other nodes that it hears from.
//
// An output is written by those whose ARRIVE of it was awaited (rule 3), each block once: by the
// rank that put it or by its owner's copy. Mates read blocks that are there for good. EXIT is one
// word of every mate: all have copied what they need of me. (Of a rank that took no block they need
// only its own, which they have copied before they publish that others have come.)

#include <algorithm>

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/mates.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_gather {

namespace {

constexpr Word kArrive = 0;  // for mates
constexpr Word kBlocks = 1;  // how many have come, for mates
constexpr Word kExit = 2;
constexpr Word kNetwork = 3;  // and on: one of each rank of another node that writes to me

/// Who on another node writes to this rank: those whose blocks it takes, and the one that takes its
/// own, with the ARRIVE.
std::vector<std::uint32_t> writers_on(const Nodes& nodes, std::uint32_t rank, std::uint32_t other) {
  std::vector<std::uint32_t> writers;
  Mates(nodes, rank).for_each_counterpart(other, [&](std::uint32_t one) {
    writers.push_back(one);
  });
  const std::uint32_t taker = nodes.counterpart(other, nodes.place(rank));
  if (std::ranges::find(writers, taker) == writers.end()) writers.push_back(taker);
  return writers;
}

/// All of them, in the order of their words.
std::vector<std::uint32_t> writers_to(const Nodes& nodes, std::uint32_t rank) {
  std::vector<std::uint32_t> writers;
  Mates(nodes, rank).for_each_other_node([&](std::uint32_t node) {
    for (const std::uint32_t one : writers_on(nodes, rank, node)) writers.push_back(one);
  });
  return writers;
}

Word word_from(const Nodes& nodes, std::uint32_t rank, std::uint32_t writer) {
  const auto writers = writers_to(nodes, rank);
  return static_cast<Word>(kNetwork + (std::ranges::find(writers, writer) - writers.begin()));
}

/// The blocks of other nodes that a rank takes, in the order in which it awaits them.
std::vector<std::uint32_t> taken_by(const Nodes& nodes, std::uint32_t rank) {
  std::vector<std::uint32_t> blocks;
  const Mates mates(nodes, rank);
  mates.for_each_other_node([&](std::uint32_t node) {
    mates.for_each_counterpart(node, [&](std::uint32_t one) { blocks.push_back(one); });
  });
  return blocks;
}

/// Whether `reader` has read all that it reads of a mate when it publishes what it took itself:
/// the mate's own block, and it took none.
bool is_done_with(const Nodes& nodes, std::uint32_t reader, std::uint32_t mate) {
  return nodes.stands_for(mate) == 0 && nodes.stands_for(reader) > 0;
}

/// By any mate: by all of a rank that takes nothing, else by those that take something.
bool exit_is_awaited(const Nodes& nodes, std::uint32_t rank) {
  return nodes.stands_for(rank) == 0 || nodes.standing(nodes.node_of(rank)) > 1;
}

// One rank's schedule.
class ByNodes {
 public:
  explicit ByNodes(const Group& group)
      : nodes_(*group.nodes),
        mates_(nodes_, group.me),
        b_(Collective::all_gather, group, group.size) {}

  Schedule run() {
    invite();
    b_.copy(b_.output(b_.me()), b_.input(0));
    mates_.for_each_other_node([&](std::uint32_t node) { put_to(node); });
    take_mates_blocks();
    take();
    mates_.for_each([&](std::uint32_t mate) { copy_from(mate); });
    exit();
    return b_.finish();
  }

 private:
  Word word_at(std::uint32_t peer) const { return word_from(nodes_, peer, b_.me()); }
  Word word_of(std::uint32_t peer) const { return word_from(nodes_, b_.me(), peer); }

  void invite() {
    if (mates_.any()) b_.publish_arrival(kArrive);
    for (const std::uint32_t sender : taken_by(nodes_, b_.me())) b_.arrive(sender, word_at(sender));
  }

  void put_to(std::uint32_t node) {
    const std::uint32_t taker = nodes_.counterpart(node, mates_.place());
    b_.wait_arrival(word_of(taker), taker);
    b_.put(taker, b_.output(b_.me()), b_.input(0), word_at(taker));
  }

  void take_mates_blocks() {
    mates_.for_each([&](std::uint32_t mate) {
      b_.await_published_arrival(kArrive, mate);
      b_.copy(b_.output(mate), b_.input_of(mate, 0));
    });
  }

  void take() {
    for (const std::uint32_t sender : taken_by(nodes_, b_.me())) {
      b_.wait(word_of(sender), sender);
      if (mates_.any()) b_.publish(kBlocks);
    }
  }

  void copy_from(std::uint32_t mate) {
    for (const std::uint32_t block : taken_by(nodes_, mate)) {
      b_.await_published(kBlocks, mate);
      b_.copy(b_.output(block), b_.output_of(mate, block));
    }
  }

  void exit() {
    if (mates_.any() && exit_is_awaited(nodes_, b_.me())) b_.publish(kExit);
    mates_.for_each([&](std::uint32_t mate) {
      if (!is_done_with(nodes_, mate, b_.me())) b_.await_published(kExit, mate);
    });
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
  const std::uint32_t others = nodes.count() - 1;
  Cost cost{.rounds = 2,
            .sent_chunks = others,
            .path_chunks = 1,
            .chunks = group.size,
            .node_rounds = 3,
            .senders = nodes.largest()};
  for (std::uint32_t rank = 0; rank < group.size; ++rank) {
    const std::uint32_t taken = nodes.stands_for(rank);
    const std::uint32_t copied = group.size - taken;  // my own block, too
    const bool mates = nodes.size_of(nodes.node_of(rank)) > 1;
    raise(cost.messages, others + taken);
    raise(cost.copied_chunks, copied);
    raise(cost.loaded_chunks, copied - 1);
    raise(cost.node_messages, mates ? 1 + taken + (exit_is_awaited(nodes, rank) ? 1 : 0) : 0);
  }
  return cost;
}

// A rank hears from those whose blocks it takes, and from each node that has none for it.
bool supports(const Group& group) {
  if (group.nodes == nullptr || !group.nodes->mixed()) return false;
  const Nodes& nodes = *group.nodes;
  if (nodes.count() + kNetwork > kWordsPerSet) return false;
  for (std::uint32_t rank = 0; rank < group.size; ++rank)
    if (nodes.stands_for(rank) + nodes.count() - 1 + kNetwork > kWordsPerSet &&
        writers_to(nodes, rank).size() + kNetwork > kWordsPerSet)
      return false;
  return true;
}

}  // namespace by_nodes
}  // namespace rlx::collectives::all_gather
