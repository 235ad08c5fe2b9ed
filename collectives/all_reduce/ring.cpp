// Ring all_reduce: ring reduce_scatter, then ring all_gather.
//
//   Chunk c is summed along c+1, c+2, ..., c, and the finished chunk then goes round once more,
//   straight from output to output.
//
// Rounds and bytes: 2 (p - 1) rounds; each rank sends 2 (p - 1) chunks of n / p, the least
// possible, to its right neighbour only. Best for long vectors (Patarasu and Yuan, "Bandwidth
// optimal all-reduce algorithms for clusters of workstations", 2009).
//
// No barrier, and why the gather phase may write a neighbour's output although in place that is its
// input: the neighbour's ARRIVE is awaited before the first such put (rule 3). Chunk c is put into
// an output only after its owner, rank c, has finished it, and that sum is made of the chain of
// waits through every rank: each has read its input chunk c (or, rank c+1, had its put of it
// awaited by c+2) before it passed the partial sum on. All p - 1 puts into this rank's output are
// awaited before it completes. Scratch is not reused (see reduce_scatter/ring), and the next epoch
// of the set finds it free because the schedule is all-dependent (rule 5).

#include "collectives/all_gather/ring.hpp"

#include "collectives/algorithms.hpp"
#include "collectives/reduce_scatter/ring.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_reduce::ring {

namespace {

constexpr Word kData = 0;     // from the left
constexpr Word kArrival = 1;  // from the right

// The gather phase goes on counting in the same word while its parts last.
Word gather_word(std::uint32_t ranks) { return 2 * (ranks - 1) <= kMaxPart ? kData : Word{2}; }

}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_reduce, group, group.size, reduce_scatter::ring_scratch(group.size));
  const Ref finished = b.output(b.me());
  if (group.size == 1) {
    b.copy(finished, b.input(0), Finalise::yes);
    return b.finish();
  }
  b.arrive(b.left(), kArrival);
  reduce_scatter::ring_phase(b, Ring{}, finished, kData);
  b.wait_arrival(kArrival, b.right());
  all_gather::ring_phase(b, Ring{}, finished, gather_word(group.size));
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t hops = ranks - 1;
  return {.rounds = 2 * hops,
          .sent_chunks = 2 * std::uint64_t{hops},
          .path_chunks = 2 * std::uint64_t{hops},
          .reduced_chunks = hops,
          .chunks = ranks,
          .messages = hops == 0 ? 0 : 2 * hops + 1,
          .copied_chunks = hops == 0 ? 1u : 0u,
          .scratch_chunks = reduce_scatter::ring_scratch(ranks)};
}

bool supports(std::uint32_t ranks) { return ranks - 1 <= kMaxPart; }

}  // namespace rlx::collectives::all_reduce::ring
