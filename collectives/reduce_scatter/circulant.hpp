#pragma once
// The circulant graph's reduce phase, shared by reduce_scatter and all_reduce, with few partners in
// a round or many.

#include <algorithm>
#include <span>

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/butterfly.hpp"

namespace rlx::collectives::reduce_scatter {

/// Chunks of scratch that circulant_phase uses, from chunk 0: the rotated partial sums (p chunks,
/// chunk j belongs to rank me + j), what the first round receives from partners after the first,
/// and what later rounds receive.
[[nodiscard]] inline std::uint32_t circulant_scratch(const Circulant& graph) {
  const std::uint32_t ranks = graph.distance(0);
  if (ranks == 1) return 0;
  const std::uint32_t sums = graph.distance(1);
  return ranks + (ranks - sums - graph.blocks(1, 1)) + sums - 1;
}

/// Chunks that circulant_phase copies.
[[nodiscard]] inline std::uint32_t circulant_copies(const Circulant& graph) {
  if (graph.rounds() <= 1) return graph.rounds() == 0 ? 1 : 0;
  return graph.distance(0) - graph.blocks(1, 1);
}

/// Reduces chunk i of all inputs on rank i and writes it, finalised, to every one of `results`.
/// Uses graph.messages() words from 0. At least 2 ranks.
void circulant_phase(Builder& b, const Circulant& graph, std::span<const Ref> results);

/// A reduce_scatter over this graph, and its cost.
[[nodiscard]] Schedule generate_over(const Circulant& graph, const Group& group);
[[nodiscard]] Cost cost_over(const Circulant& graph);

}  // namespace rlx::collectives::reduce_scatter
