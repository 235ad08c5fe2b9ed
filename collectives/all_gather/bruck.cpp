// Bruck all_gather: the fewest rounds for any number of ranks.
//
//   Rank r keeps its blocks in rotated order, scratch j = block of rank r + j. In the round with
//   distance d it sends its first d chunks to rank r - d, where they become chunks d .. 2d - 1.
//   With more partners in a round it sends them to rank r - 2d as well, as chunks 2d .. 3d - 1, and
//   so on.
//
// Rounds and bytes: ceil(log2 p) rounds, each rank sends p - 1 blocks, one contiguous put a round.
// Best for short blocks; the price is one copy of each block from scratch to its place (Bruck, Ho,
// Kipnis, Upfal and Weathersby, "Efficient algorithms for all-to-all communications in
// multiport message-passing systems", 1997).
//
// No barrier: only scratch is put into, so no ARRIVE and no EXIT (rule 3), and each scratch chunk
// is written once an epoch: chunk 0 by this rank, the chunks of a round by the ranks d, 2d, ...
// after it. Sources are chunks that were awaited before and that nobody writes again. The set's
// next epoch finds them free because a rank has every rank's block when it completes
// (all-dependent, rule 5).

#include "collectives/all_gather/bruck.hpp"

namespace rlx::collectives::all_gather {

namespace {

// Brings the scratch chunks [first, last) to where they belong.
void place(Builder& b, std::uint32_t first, std::uint32_t last) {
  for (std::uint32_t j = first; j < last; ++j) b.copy(b.output(b.plus(j)), b.scratch(j));
}

void send(Builder& b, const Circulant& graph, std::uint32_t round, Ref first, Word first_word) {
  const std::uint32_t distance = graph.distance(round);
  for (std::uint32_t i = 1; i <= graph.partners(round); ++i) {
    const Partner partner = graph.gathering(b, round, i, first_word);
    const std::uint32_t count = graph.blocks(round, i);
    const Ref from = distance == 1 ? first : b.scratch(0, count);
    b.put(partner.to, b.scratch(i * distance, count), from, partner.word);
  }
}

void wait(Builder& b, const Circulant& graph, std::uint32_t round, Word first_word) {
  for (std::uint32_t i = 1; i <= graph.partners(round); ++i) {
    const Partner partner = graph.gathering(b, round, i, first_word);
    b.wait(partner.word, partner.from);
  }
}

}  // namespace

void gather_phase(Builder& b, const Circulant& graph, Ref mine, Word first_word) {
  std::uint32_t placed = 1;
  for (std::uint32_t round = graph.rounds(); round > 0; --round) {
    send(b, graph, round, mine, first_word);
    if (round == graph.rounds() && mine.space == Space::input) {
      if (graph.rounds() > 1) b.copy(b.scratch(0), mine);
      b.copy(b.output(b.me()), mine);
    }
    place(b, placed, graph.distance(round));  // while the puts are under way
    placed = graph.distance(round);
    wait(b, graph, round, first_word);
  }
  place(b, placed, b.size());
}

Schedule generate_over(const Circulant& graph, const Group& group) {
  Builder b(Collective::all_gather, group, group.size, group.size == 1 ? 0 : group.size);
  if (group.size == 1) {
    b.copy(b.output(0), b.input(0));
    return b.finish();
  }
  gather_phase(b, graph, b.input(0), 0);
  return b.finish();
}

Cost cost_over(const Circulant& graph) {
  const std::uint32_t ranks = graph.distance(0);
  return {.rounds = graph.rounds(),
          .sent_chunks = ranks - 1,
          .path_chunks = graph.longest_path(),
          .reduced_chunks = 0,
          .chunks = ranks,
          .messages = graph.messages(),
          .copied_chunks = graph.rounds() <= 1 ? ranks : ranks + 1,
          .scratch_chunks = ranks == 1 ? 0 : ranks};
}

namespace bruck {

Schedule generate(const Group& group) {
  return generate_over(Circulant::doubling(group.size), group);
}

Cost cost(std::uint32_t ranks) { return cost_over(Circulant::doubling(ranks)); }

bool supports(std::uint32_t ranks) { return ranks <= 1u << 30; }

}  // namespace bruck
}  // namespace rlx::collectives::all_gather
