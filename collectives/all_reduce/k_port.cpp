// Circulant-graph all_reduce with up to 7 partners in a round.
//
//   As all_reduce/circulant, whose schedule this is over another graph: distances shrink by a
//   factor of up to 8 from round to round while sums are made, and grow again while they are
//   gathered.
//
// Rounds and bytes: 2 ceil(log8 p) rounds; each rank sends 2 (p - 1) chunks of n / p, the least
// possible, to at most 7 partners a round. Best for middling vectors where the latency of a round
// costs more than a few messages.
//
// No barrier, and why scratch may be used again: see all_reduce/circulant, which says the same of
// any number of partners.

#include "collectives/all_reduce/circulant.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_reduce::k_port {

namespace {
Circulant graph_of(std::uint32_t ranks) { return Circulant::balanced(ranks, kWideRadix); }
}  // namespace

Schedule generate(const Group& group) { return generate_over(graph_of(group.size), group); }

Cost cost(std::uint32_t ranks) { return cost_over(graph_of(ranks)); }

bool supports(std::uint32_t ranks) {
  return ranks <= 1u << 30 && 2 * graph_of(ranks).messages() <= kWordsPerSet;
}

}  // namespace rlx::collectives::all_reduce::k_port
