// Circulant-graph all_reduce: circulant reduce_scatter, then the same rounds backwards as
// all_gather.
//
//   After the reduce rounds rank r holds finished chunk r as number 0 of a rotated row. Going back
//   through the distances it sends numbers [0, s_(k-1) - s_k) to rank r - s_k, where they become
//   numbers [s_k, s_(k-1)), until the row is whole.
//
// Rounds and bytes: 2 ceil(log2 p) rounds, each rank sends 2 (p - 1) chunks of n / p: fewest bytes
// in logarithmically many rounds, for any p. Best for short and middling vectors (Traff, "Optimal,
// Non-pipelined Reduce-scatter and Allreduce Algorithms", arXiv 2410.14234).
//
// No barrier: only scratch is put into, so no ARRIVE and no EXIT (rule 3); the result is copied
// from the row to the output. Scratch is used twice: the row lies over the partial sums. Numbers
// [s_k, s_(k-1)) were put to rank r + s_k in reduce round k and are written by that same rank in
// the gather: it awaited that put before it could finish its own chunk, so the chain of waits that
// rule 5 asks for is there.

#include "collectives/reduce_scatter/circulant.hpp"

#include <bit>

#include "collectives/algorithms.hpp"

namespace rlx::collectives::all_reduce::circulant {

namespace {

// Copies the row's numbers [first, last) to where they belong.
void place(Builder& b, std::uint32_t first, std::uint32_t last) {
  for (std::uint32_t j = first; j < last; ++j) b.copy(b.output(b.plus(j)), b.scratch(j));
}

void gather(Builder& b) {
  const std::vector<std::uint32_t> distances = reduce_scatter::circulant_distances(b.size());
  const auto rounds = static_cast<std::uint32_t>(distances.size()) - 1;
  std::uint32_t placed = 1;
  for (std::uint32_t round = rounds; round > 0; --round) {
    const std::uint32_t held = distances[round];
    const std::uint32_t count = distances[round - 1] - held;
    const auto word = static_cast<Word>(rounds + round - 1);
    b.put(b.minus(held), b.scratch(held, count), b.scratch(0, count), word);
    place(b, placed, held);  // while the put is under way
    placed = held;
    b.wait(word, b.plus(held));
  }
  place(b, placed, b.size());
}

}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_reduce, group, group.size,
            reduce_scatter::circulant_scratch(group.size));
  if (group.size == 1) {
    b.copy(b.output(0), b.input(0), Finalise::yes);
    return b.finish();
  }
  const Ref finished[] = {b.scratch(0), b.output(b.me())};
  reduce_scatter::circulant_phase(b, finished);
  gather(b);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const auto rounds = static_cast<std::uint32_t>(std::bit_width(ranks - 1));
  return {.rounds = 2 * rounds,
          .sent_chunks = 2 * std::uint64_t{ranks - 1},
          .path_chunks = 2 * std::uint64_t{ranks - 1},
          .reduced_chunks = ranks - 1,
          .chunks = ranks,
          .messages = 2 * rounds,
          .copied_chunks = std::uint64_t{(ranks + 1) / 2} + ranks - 1,
          .scratch_chunks = reduce_scatter::circulant_scratch(ranks)};
}

bool supports(std::uint32_t ranks) { return ranks <= 1u << 30; }

}  // namespace rlx::collectives::all_reduce::circulant
