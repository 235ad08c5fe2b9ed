#pragma once
// The ring's gather phase, shared by all_gather/ring and the rings of all_reduce.

#include "collectives/builder.hpp"
#include "collectives/butterfly.hpp"

namespace rlx::collectives::all_gather {

/// Sends `mine`, which is the ring's chunk me() of the result, and every chunk that comes from the
/// left, to the right neighbour's output. The right neighbour's ARRIVE has been awaited. `word` is
/// written by the left neighbour, one part a hop, size() - 1 hops. At least 2 ranks.
void ring_phase(Builder& b, const Ring& ring, Ref mine, Word word);

}  // namespace rlx::collectives::all_gather
