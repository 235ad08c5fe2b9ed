// Ring reduce_scatter.
//
//   Each block starts at the right neighbour of its owner and travels once round the ring; every
//   rank adds its own input to what it received from the left and passes the sum to the right.
//
// Rounds and bytes: p - 1 rounds; each rank sends p - 1 blocks, the least possible, and only to its
// right neighbour. Best for long vectors and few ranks.
//
// No barrier: nobody touches a peer's input or output, so no ARRIVE and no EXIT is needed (rule 3),
// and a peer's scratch of this epoch is free because every rank completed the epoch that used the
// set before (rule 5: a rank's block holds every rank's contribution, so the schedule is
// all-dependent).
// Scratch is not reused: hop s has its own chunk, written once by the left neighbour, then by this
// rank's sum, and is the source of one put. In place the result overwrites this rank's own block of
// the input, which only the last sum reads.

#include "collectives/reduce_scatter/ring.hpp"

#include "collectives/algorithms.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::reduce_scatter {

void ring_phase(Builder& b, const Ring& ring, Ref result, Word word) {
  const std::uint32_t last = b.size() - 2;
  const std::uint32_t right = ring.right(b);
  const std::uint32_t left = ring.left(b);
  const auto sum = [&](std::uint32_t hop) { return b.scratch(ring.first_scratch + hop); };
  b.put(right, sum(0), b.input(ring.chunk(b, 1)), word);
  for (std::uint32_t hop = 0; hop < last; ++hop) {
    b.wait(word, left);
    b.reduce({sum(hop)}, {sum(hop), b.input(ring.chunk(b, hop + 2))});
    b.put(right, sum(hop + 1), sum(hop), word);
  }
  b.wait(word, left);
  b.reduce({result}, {sum(last), b.input(ring.chunk(b, 0))}, Finalise::yes);
}

namespace ring {

Schedule generate(const Group& group) {
  Builder b(Collective::reduce_scatter, group, group.size, ring_scratch(group.size));
  if (group.size == 1) {
    b.copy(b.output(0), b.input(0), Finalise::yes);
    return b.finish();
  }
  ring_phase(b, Ring{}, b.output(0), 0);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t hops = ranks - 1;
  return {.rounds = hops,
          .sent_chunks = hops,
          .path_chunks = hops,
          .reduced_chunks = hops,
          .chunks = ranks,
          .messages = hops,
          .copied_chunks = hops == 0 ? 1u : 0u,
          .scratch_chunks = ring_scratch(ranks)};
}

bool supports(std::uint32_t ranks) { return ranks - 1 <= kMaxPart; }

}  // namespace ring
}  // namespace rlx::collectives::reduce_scatter
