// Ring all_gather.
//
//   Every block travels once round the ring, straight from output to output: each rank puts its own
//   block into its right neighbour's output and then passes on what arrives from the left.
//
// Rounds and bytes: p rounds (the first put waits for the neighbour's ARRIVE, then p - 1 hops);
// each rank sends p - 1 blocks, the least possible, and nothing is copied but a rank's own block.
// Best for long blocks and few ranks.
//
// No barrier: each output block is written once, by the left neighbour, after this rank's ARRIVE
// said that the output may be written (rule 3); all p - 1 of those puts are awaited before this
// rank completes, so nobody writes afterwards. In place the input is this rank's own block, which
// nobody writes. No scratch. Words are free again because a rank has every rank's block when it
// completes, so the schedule is all-dependent (rule 5).

#include "collectives/all_gather/ring.hpp"

#include "collectives/algorithms.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_gather {

void ring_phase(Builder& b, const Ring& ring, Ref mine, Word word) {
  b.put(ring.right(b), b.output(ring.chunk(b, 0)), mine, word);
  for (std::uint32_t hop = 1; hop + 1 < b.size(); ++hop) {
    const Ref block = b.output(ring.chunk(b, hop));
    b.wait(word, ring.left(b));
    b.put(ring.right(b), block, block, word);
  }
  b.wait(word, ring.left(b));
}

namespace ring {

namespace {
constexpr Word kBlocks = 0;   // from the left
constexpr Word kArrival = 1;  // from the right
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_gather, group, group.size);
  if (group.size == 1) {
    b.copy(b.output(0), b.input(0));
    return b.finish();
  }
  b.arrive(b.left(), kArrival);
  b.copy(b.output(b.me()), b.input(0));
  b.wait_arrival(kArrival, b.right());
  ring_phase(b, Ring{}, b.input(0), kBlocks);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t hops = ranks - 1;
  return {.rounds = hops == 0 ? 0 : hops + 1,
          .sent_chunks = hops,
          .path_chunks = hops,
          .reduced_chunks = 0,
          .chunks = ranks,
          .messages = hops == 0 ? 0 : hops + 1,
          .copied_chunks = 1,
          .scratch_chunks = 0};
}

bool supports(std::uint32_t ranks) { return ranks - 1 <= kMaxPart; }

}  // namespace ring
}  // namespace rlx::collectives::all_gather
