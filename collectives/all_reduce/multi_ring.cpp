// Several rings at once: each all_reduces its part of the vector, in a lane of its own.
//
//   Ring i goes on by a stride of its own, 1, p - 1, and then further ones that have no divisor in
//   common with p, so that a rank sends to as many others as there are rings. Up to 4 of them.
//
// Rounds and bytes: 2 (p - 1) rounds, as one ring; each rank sends 2 n (p - 1) / p bytes, the least
// possible, an equal part to each of its partners. Where a rank's bytes all go through one adapter
// that is no more than a ring, with more messages, and the cost model, which knows one link a rank,
// never chooses it. For ranks with several rails or links (lanes are rails; two directions of a
// ring, dimensions of a torus) it is there by name (Jain and Sabharwal, "Optimal bucket algorithms
// for large MPI collectives on torus interconnects", 2010).
//
// No barrier, and why outputs may be written and scratch is free: see all_reduce/ring, which says
// it of each ring. Rings share no chunk, no scratch and no word, and each has its own ARRIVE.

#include <array>
#include <numeric>

#include "collectives/algorithms.hpp"
#include "collectives/all_gather/ring.hpp"
#include "collectives/butterfly.hpp"
#include "collectives/reduce_scatter/ring.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_reduce::multi_ring {

namespace {

constexpr std::size_t kMostRings = 4;
constexpr Word kWordsPerRing = 3;
constexpr Word kData = 0;     // from the left
constexpr Word kArrival = 1;  // from the right
constexpr Word kLaterData = 2;

// Strides in pairs of a distance and the way back, the shortest first. A distance of half way round
// has a common divisor, but for two ranks, who are one ring.
std::vector<std::uint32_t> strides(std::uint32_t ranks) {
  std::vector<std::uint32_t> found{1};
  for (std::uint32_t stride = 1; 2 * stride < ranks && found.size() < kMostRings; ++stride) {
    if (std::gcd(stride, ranks) != 1) continue;
    if (stride > 1) found.push_back(stride);
    if (found.size() < kMostRings) found.push_back(ranks - stride);
  }
  return found;
}

void run(Builder& b, std::uint16_t number, const Ring& ring) {
  const auto word = [&](Word use) { return static_cast<Word>(number * kWordsPerRing + use); };
  const Ref finished = b.output(ring.chunk(b, 0));
  const bool counts_on = 2 * (b.size() - 1) <= kMaxPart;
  b.lane(number);
  b.arrive(ring.left(b), word(kArrival));
  reduce_scatter::ring_phase(b, ring, finished, word(kData));
  b.wait_arrival(word(kArrival), ring.right(b));
  all_gather::ring_phase(b, ring, finished, word(counts_on ? kData : kLaterData));
}

}  // namespace

Schedule generate(const Group& group) {
  const std::vector<std::uint32_t> all = strides(group.size);
  const auto rings = static_cast<std::uint32_t>(all.size());
  const std::uint32_t scratch = reduce_scatter::ring_scratch(group.size);
  Builder b(Collective::all_reduce, group, rings * group.size, rings * scratch);
  if (group.size == 1) {
    b.copy(b.output(0), b.input(0), Finalise::yes);
    return b.finish();
  }
  for (std::uint16_t i = 0; i < rings; ++i)
    run(b, i, {.stride = all[i], .first_chunk = i * group.size, .first_scratch = i * scratch});
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  if (ranks == 1) return {.copied_chunks = 1};
  const auto rings = static_cast<std::uint32_t>(strides(ranks).size());
  const std::uint32_t hops = ranks - 1;
  return {.rounds = 2 * hops,
          .sent_chunks = 2 * std::uint64_t{rings} * hops,
          .path_chunks = 2 * std::uint64_t{hops},
          .reduced_chunks = std::uint64_t{rings} * hops,
          .chunks = rings * ranks,
          .messages = rings * (2 * hops + 1),
          .copied_chunks = 0,
          .scratch_chunks = rings * reduce_scatter::ring_scratch(ranks)};
}

bool supports(std::uint32_t ranks) { return ranks - 1 <= kMaxPart; }

}  // namespace rlx::collectives::all_reduce::multi_ring
