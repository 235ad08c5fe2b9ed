// Bidirectional ring all_gather.
//
//   Every block travels both ways, each half way round, straight from output to output.
//
// Rounds and bytes: p / 2 + 1 rounds (the first puts wait for the neighbours' ARRIVEs), about half
// of the ring's; each rank sends p - 1 blocks, the least possible, half of them to either
// neighbour, so both directions of a link are used, and nothing is copied but a rank's own block.
// Best for long blocks (Jain and Sabharwal, "Optimal bucket algorithms for large MPI collectives on
// torus interconnects", 2010).
//
// No barrier: each output block is written once, by the neighbour on its way, after this rank's
// ARRIVE to that neighbour said that the output may be written (rule 3); all p - 1 of those puts
// are awaited before this rank completes, so nobody writes afterwards. In place the input is this
// rank's own block, which nobody writes. No scratch. Words are free again because a rank has
// every rank's block when it completes, so the schedule is all-dependent (rule 5).

#include "collectives/all_gather/bidirectional_ring.hpp"

#include "collectives/algorithms.hpp"
#include "collectives/reduce_scatter/bidirectional_ring.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_gather {

using reduce_scatter::hops_left;
using reduce_scatter::hops_right;

void tell_neighbours(Builder& b, const NeighbourWords& words) {
  b.arrive(b.left(), words.arrive_of_right);
  if (hops_left(b.size()) > 0) b.arrive(b.right(), words.arrive_of_left);
}

void bidirectional_ring_phase(Builder& b, Ref mine, const NeighbourWords& words) {
  const std::uint32_t right = hops_right(b.size());
  const std::uint32_t left = hops_left(b.size());
  b.wait_arrival(words.arrive_of_right, b.right());
  b.put(b.right(), b.output(b.me()), mine, words.from_left);
  if (left > 0) {
    b.wait_arrival(words.arrive_of_left, b.left());
    b.put(b.left(), b.output(b.me()), mine, words.from_right);
  }
  for (std::uint32_t hop = 1; hop <= right; ++hop) {
    b.wait(words.from_left, b.left());
    const Ref block = b.output(b.minus(hop));
    if (hop < right) b.put(b.right(), block, block, words.from_left);
    if (hop > left) continue;
    b.wait(words.from_right, b.right());
    const Ref other = b.output(b.plus(hop));
    if (hop < left) b.put(b.left(), other, other, words.from_right);
  }
}

namespace bidirectional_ring {

namespace {
constexpr NeighbourWords kWords{
    .from_left = 0, .from_right = 1, .arrive_of_right = 2, .arrive_of_left = 3};
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_gather, group, group.size);
  if (group.size == 1) {
    b.copy(b.output(0), b.input(0));
    return b.finish();
  }
  tell_neighbours(b, kWords);
  b.copy(b.output(b.me()), b.input(0));
  bidirectional_ring_phase(b, b.input(0), kWords);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t others = ranks - 1;
  if (others == 0) return {.chunks = 1, .copied_chunks = 1};
  return {.rounds = hops_right(ranks) + 1,
          .sent_chunks = others,
          .path_chunks = hops_right(ranks),
          .reduced_chunks = 0,
          .chunks = ranks,
          .messages = others + (hops_left(ranks) > 0 ? 2 : 1),
          .copied_chunks = 1,
          .scratch_chunks = 0};
}

bool supports(std::uint32_t ranks) { return hops_right(ranks) <= kMaxPart; }

}  // namespace bidirectional_ring
}  // namespace rlx::collectives::all_gather
