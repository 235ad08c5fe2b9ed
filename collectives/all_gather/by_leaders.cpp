// One rank of each node speaks for it: short blocks of ranks that share nodes.
//
//   Every rank stores its block to the scratch of the first rank of its node, which sends them all
//   in one message to the first rank of each other node and publishes when it has got theirs; then
//   everybody copies what it lacks from there.
//
// 1 round of N - 1 messages between nodes, of as many blocks as the node has ranks, and 2 rounds
// within nodes (Luo et al., "HAN: a hierarchical autotuned collective communication framework",
// CLUSTER 2020). Best for some tens of nodes: a word for each.
//
// Nobody's input or output is touched by a peer. Scratch lies node after node, chunk by rank, the
// same everywhere; each chunk is written once, by its rank or by the leader of its node, and the
// set is used again when everybody is done with it (all ranks wait for all, rule 5).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/mates.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_gather {

namespace {

constexpr Word kBlock = 0;
constexpr Word kAll = 1;
constexpr Word kNetwork = 2;  // and on: one of each node

/// The first chunk of a node.
std::uint32_t first_of(const Nodes& nodes, std::uint32_t node) {
  std::uint32_t first = 0;
  for (std::uint32_t before = 0; before < node; ++before) first += nodes.size_of(before);
  return first;
}

std::uint32_t chunk_of(const Nodes& nodes, std::uint32_t rank) {
  return first_of(nodes, nodes.node_of(rank)) + nodes.place(rank);
}

constexpr Word word_of(std::uint32_t node) { return static_cast<Word>(kNetwork + node); }

void lead(Builder& b, const Nodes& nodes, const Mates& mates) {
  const auto blocks = [&](std::uint32_t node) {
    return b.scratch(first_of(nodes, node), nodes.size_of(node));
  };
  b.copy(b.scratch(chunk_of(nodes, b.me())), b.input(0));
  mates.for_each([&](std::uint32_t mate) { b.await_published(kBlock, mate); });
  mates.for_each_other_node([&](std::uint32_t node) {
    b.put(nodes.leader(node), blocks(mates.node()), blocks(mates.node()), word_of(mates.node()));
  });
  mates.for_each_other_node([&](std::uint32_t node) { b.wait(word_of(node), nodes.leader(node)); });
  if (mates.any()) b.publish(kAll);
}

}  // namespace

namespace leaders {

Schedule generate(const Group& group) {
  const Nodes& nodes = *group.nodes;
  const Mates mates(nodes, group.me);
  Builder b(Collective::all_gather, group, group.size, group.size);
  if (mates.lead()) {
    lead(b, nodes, mates);
  } else {
    b.copy(b.scratch_of(mates.leader(), chunk_of(nodes, b.me())), b.input(0));
    b.publish(kBlock);
    b.await_published(kAll, mates.leader());
  }
  b.copy(b.output(b.me()), b.input(0));
  for (std::uint32_t d = 1; d < b.size(); ++d) {
    const std::uint32_t rank = b.plus(d);
    const std::uint32_t chunk = chunk_of(nodes, rank);
    b.copy(b.output(rank), mates.lead() ? b.scratch(chunk) : b.scratch_of(mates.leader(), chunk));
  }
  return b.finish();
}

Cost cost(const Group& group) {
  const Nodes& nodes = *group.nodes;
  const std::uint32_t others = nodes.count() - 1;
  return {.rounds = 1,
          .sent_chunks = std::uint64_t{others} * nodes.largest(),
          .path_chunks = nodes.largest(),
          .chunks = group.size,
          .messages = others,
          .copied_chunks = group.size + std::uint64_t{1},
          .scratch_chunks = group.size,
          .loaded_chunks = group.size - 1,
          .stored_chunks = 1,
          .node_rounds = 2,
          .node_messages = 1};
}

bool supports(const Group& group) {
  return group.nodes != nullptr && group.nodes->mixed() &&
         group.nodes->count() + kNetwork <= kWordsPerSet;
}

}  // namespace leaders
}  // namespace rlx::collectives::all_gather
