// Circulant-graph reduce_scatter with up to 7 partners in a round.
//
//   As reduce_scatter/circulant, whose schedule this is over another graph: distances shrink by a
//   factor of up to 8 from round to round, so that sums go to several ranks at once.
//
// Rounds and bytes: ceil(log8 p) rounds; each rank sends p - 1 blocks, the least possible, to at
// most 7 partners a round. Best for short blocks where the latency of a round costs more than a few
// messages, and for blocks that would otherwise be held up by many rounds.
//
// No barrier, and why scratch may be used again: see reduce_scatter/circulant, which says the same
// of any number of partners.

#include "collectives/reduce_scatter/circulant.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::reduce_scatter::k_port {

namespace {
Circulant graph_of(std::uint32_t ranks) { return Circulant::balanced(ranks, kWideRadix); }
}  // namespace

Schedule generate(const Group& group) { return generate_over(graph_of(group.size), group); }

Cost cost(std::uint32_t ranks) { return cost_over(graph_of(ranks)); }

bool supports(std::uint32_t ranks) {
  return ranks <= 1u << 30 && graph_of(ranks).messages() <= kWordsPerSet;
}

}  // namespace rlx::collectives::reduce_scatter::k_port
