#pragma once
// The reduce phase of a ring that is used both ways, shared by reduce_scatter and all_reduce.

#include "collectives/builder.hpp"

namespace rlx::collectives::reduce_scatter {

/// How far blocks travel to the right, and to the left: as evenly as can be.
[[nodiscard]] constexpr std::uint32_t hops_right(std::uint32_t ranks) { return ranks / 2; }
[[nodiscard]] constexpr std::uint32_t hops_left(std::uint32_t ranks) { return (ranks - 1) / 2; }

/// Reduces chunk i of all inputs on rank i and writes it, finalised, to `result`. Words
/// `from_left` and `from_right` are written by the neighbours, one part a hop. Uses size() - 1
/// chunks of scratch from 0. At least 2 ranks.
void bidirectional_ring_phase(Builder& b, Ref result, Word from_left, Word from_right);

}  // namespace rlx::collectives::reduce_scatter
