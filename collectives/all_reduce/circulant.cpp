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
// that were put to rank r + i s_k in reduce round k are written by that same rank in the gather: it
// awaited that put before it could finish its own chunk, so the chain of waits that rule 5 asks for
// is there. The same chain shows that an input from which a single round was put is no longer
// needed when, in place, the output overwrites it.

#include "collectives/all_reduce/circulant.hpp"

#include "collectives/all_gather/bruck.hpp"
#include "collectives/reduce_scatter/circulant.hpp"

namespace rlx::collectives::all_reduce {

Schedule generate_over(const Circulant& graph, const Group& group) {
  Builder b(Collective::all_reduce, group, group.size, reduce_scatter::circulant_scratch(graph));
  if (group.size == 1) {
    b.copy(b.output(0), b.input(0), Finalise::yes);
    return b.finish();
  }
  const Ref finished[] = {b.scratch(0), b.output(b.me())};
  reduce_scatter::circulant_phase(b, graph, finished);
  all_gather::gather_phase(b, graph, b.scratch(0), static_cast<Word>(graph.messages()));
  return b.finish();
}

Cost cost_over(const Circulant& graph) {
  const std::uint32_t others = graph.distance(0) - 1;
  return {.rounds = 2 * graph.rounds(),
          .sent_chunks = 2 * std::uint64_t{others},
          .path_chunks = 2 * std::uint64_t{graph.longest_path()},
          .reduced_chunks = others,
          .chunks = graph.distance(0),
          .messages = 2 * graph.messages(),
          .copied_chunks = std::uint64_t{reduce_scatter::circulant_copies(graph)} + others,
          .scratch_chunks = reduce_scatter::circulant_scratch(graph)};
}

namespace circulant {

Schedule generate(const Group& group) {
  return generate_over(Circulant::balanced(group.size, 2), group);
}

Cost cost(std::uint32_t ranks) { return cost_over(Circulant::balanced(ranks, 2)); }

bool supports(std::uint32_t ranks) { return ranks <= 1u << 30; }

}  // namespace circulant
}  // namespace rlx::collectives::all_reduce
