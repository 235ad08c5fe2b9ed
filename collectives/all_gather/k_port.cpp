// Bruck all_gather with up to 7 partners in a round.
//
//   As all_gather/bruck, whose schedule this is over another graph: what a rank holds grows by a
//   factor of up to 8 from round to round.
//
// Rounds and bytes: ceil(log8 p) rounds; each rank sends p - 1 blocks, the least possible, to at
// most 7 partners a round. Best for short blocks where the latency of a round costs more than a few
// messages (Bruck et al., 1997, who have a number of ports).
//
// No barrier, and why scratch may be used again: see all_gather/bruck, which says the same of any
// number of partners.

#include "collectives/all_gather/bruck.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_gather::k_port {

namespace {
Circulant graph_of(std::uint32_t ranks) { return Circulant::balanced(ranks, kWideRadix); }
}  // namespace

Schedule generate(const Group& group) { return generate_over(graph_of(group.size), group); }

Cost cost(std::uint32_t ranks) { return cost_over(graph_of(ranks)); }

bool supports(std::uint32_t ranks) {
  return ranks <= 1u << 30 && graph_of(ranks).messages() <= kWordsPerSet;
}

}  // namespace rlx::collectives::all_gather::k_port
