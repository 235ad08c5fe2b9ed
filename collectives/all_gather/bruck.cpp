// Bruck all_gather: the fewest rounds for any number of ranks.
//
//   Rank r keeps its blocks in rotated order, scratch j = block of rank r + j. In the round with
//   distance d it sends its first d chunks to rank r - d, where they become chunks d .. 2d - 1.
//
// Rounds and bytes: ceil(log2 p) rounds, each rank sends p - 1 blocks, one contiguous put a round.
// Best for short blocks; the price is one copy of each block from scratch to its place (Bruck, Ho,
// Kipnis, Upfal and Weathersby, "Efficient algorithms for all-to-all communications in
// multiport message-passing systems", 1997).
//
// No barrier: only scratch is put into, so no ARRIVE and no EXIT (rule 3), and each scratch chunk
// is written once an epoch: chunk 0 by this rank, chunks d .. 2d - 1 by rank r + d. Sources are
// chunks that were awaited before and that nobody writes again. The set's next epoch finds them
// free because a rank has every rank's block when it completes (all-dependent, rule 5).

#include <algorithm>
#include <bit>

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"

namespace rlx::collectives::all_gather::bruck {

namespace {

// Brings the scratch chunks [first, last) to where they belong.
void place(Builder& b, std::uint32_t first, std::uint32_t last) {
  for (std::uint32_t j = first; j < last; ++j) b.copy(b.output(b.plus(j)), b.scratch(j));
}

}  // namespace

Schedule generate(const Group& group) {
  const std::uint32_t p = group.size;
  Builder b(Collective::all_gather, group, p, p == 1 ? 0 : p);
  if (p == 1) {
    b.copy(b.output(0), b.input(0));
    return b.finish();
  }
  b.put(b.left(), b.scratch(1), b.input(0), 0);
  if (p > 2) b.copy(b.scratch(0), b.input(0));
  b.copy(b.output(b.me()), b.input(0));
  std::uint32_t placed = 1;
  Word round = 0;
  for (std::uint32_t held = 2; held < p; held *= 2) {
    const std::uint32_t count = std::min(held, p - held);
    b.wait(round, b.plus(held / 2));
    ++round;
    b.put(b.minus(held), b.scratch(held, count), b.scratch(0, count), round);
    place(b, placed, held);  // while the put is under way
    placed = held;
  }
  b.wait(round, b.plus(placed));
  place(b, placed, p);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const auto rounds = static_cast<std::uint32_t>(std::bit_width(ranks - 1));
  return {.rounds = rounds,
          .sent_chunks = ranks - 1,
          .path_chunks = ranks - 1,
          .reduced_chunks = 0,
          .chunks = ranks,
          .messages = rounds,
          .copied_chunks = ranks <= 2 ? ranks : ranks + 1,
          .scratch_chunks = ranks == 1 ? 0 : ranks};
}

bool supports(std::uint32_t ranks) { return ranks <= 1u << 30; }

}  // namespace rlx::collectives::all_gather::bruck
