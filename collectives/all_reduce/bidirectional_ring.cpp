// Bidirectional ring all_reduce: reduce_scatter, then all_gather, round a ring both ways.
//
//   Two partial sums of each chunk travel to its owner from either side, half way round; the
//   finished chunk then travels both ways, straight from output to output.
//
// Rounds and bytes: 2 (p / 2) rounds, half of the ring's; each rank sends 2 (p - 1) chunks of n /
// p, the least possible, half of them to either neighbour, so both directions of a link are used.
// Best for long vectors (Jain and Sabharwal, "Optimal bucket algorithms for large MPI collectives
// on torus interconnects", 2010).
//
// No barrier, and why the gather phase may write a neighbour's output although in place that is its
// input: the neighbour's ARRIVE is awaited before the first such put (rule 3). Chunk c is put into
// an output only after its owner, rank c, has finished it, and that sum is made of two chains of
// waits that go through every rank: each has read its input chunk c before it passed the partial
// sum on, or had its put of it awaited by the next. All p - 1 puts into this rank's output are
// awaited before it completes. Scratch is not reused (see reduce_scatter/bidirectional_ring), and
// the next epoch of the set finds it free because the schedule is all-dependent (rule 5).

#include "collectives/all_gather/bidirectional_ring.hpp"

#include "collectives/algorithms.hpp"
#include "collectives/reduce_scatter/bidirectional_ring.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_reduce::bidirectional_ring {

using reduce_scatter::hops_left;
using reduce_scatter::hops_right;

namespace {

constexpr all_gather::NeighbourWords kWords{
    .from_left = 0, .from_right = 1, .arrive_of_right = 2, .arrive_of_left = 3};

// The gather phase goes on counting in the same words while their parts last.
all_gather::NeighbourWords gather_words(std::uint32_t ranks) {
  all_gather::NeighbourWords words = kWords;
  if (2 * hops_right(ranks) <= kMaxPart) return words;
  words.from_left = 4;
  words.from_right = 5;
  return words;
}

}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_reduce, group, group.size, group.size - 1);
  const Ref finished = b.output(b.me());
  if (group.size == 1) {
    b.copy(finished, b.input(0), Finalise::yes);
    return b.finish();
  }
  all_gather::tell_neighbours(b, kWords);
  reduce_scatter::bidirectional_ring_phase(b, finished, kWords.from_left, kWords.from_right);
  all_gather::bidirectional_ring_phase(b, finished, gather_words(group.size));
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t others = ranks - 1;
  if (others == 0) return {.chunks = 1, .copied_chunks = 1};
  return {.rounds = 2 * hops_right(ranks),
          .sent_chunks = 2 * std::uint64_t{others},
          .path_chunks = 2 * std::uint64_t{hops_right(ranks)},
          .reduced_chunks = others,
          .chunks = ranks,
          .messages = 2 * others + (hops_left(ranks) > 0 ? 2 : 1),
          .copied_chunks = 0,
          .scratch_chunks = others};
}

bool supports(std::uint32_t ranks) { return hops_right(ranks) <= kMaxPart; }

}  // namespace rlx::collectives::all_reduce::bidirectional_ring
