#pragma once
// The ring's reduce phase, shared by reduce_scatter/ring and the rings of all_reduce.

#include "collectives/builder.hpp"
#include "collectives/butterfly.hpp"

namespace rlx::collectives::reduce_scatter {

/// Chunks of scratch that ring_phase uses, from the ring's first.
[[nodiscard]] constexpr std::uint32_t ring_scratch(std::uint32_t ranks) { return ranks - 1; }

/// Reduces the ring's chunk i of all inputs on rank i and writes it, finalised, to `result`. `word`
/// is written by the left neighbour, one part a hop, size() - 1 hops. At least 2 ranks.
void ring_phase(Builder& b, const Ring& ring, Ref result, Word word);

}  // namespace rlx::collectives::reduce_scatter
