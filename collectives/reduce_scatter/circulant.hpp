#pragma once
// The circulant graph's reduce phase, shared by reduce_scatter/circulant and all_reduce/circulant.

#include <span>
#include <vector>

#include "collectives/builder.hpp"

namespace rlx::collectives::reduce_scatter {

/// The distances of the rounds: p, ceil(p / 2), ceil(p / 4), ..., 1. Round k, counted from 1, goes
/// from distance k - 1 to distance k.
[[nodiscard]] std::vector<std::uint32_t> circulant_distances(std::uint32_t ranks);

/// Chunks of scratch that circulant_phase uses, from chunk 0: the rotated partial sums (p chunks,
/// chunk j belongs to rank me + j) and what rounds after the first receive.
[[nodiscard]] constexpr std::uint32_t circulant_scratch(std::uint32_t ranks) {
  return ranks == 1 ? 0 : ranks + (ranks + 1) / 2 - 1;
}

/// Reduces chunk i of all inputs on rank i and writes it, finalised, to every one of `results`.
/// Round k uses word k - 1. At least 2 ranks.
void circulant_phase(Builder& b, std::span<const Ref> results);

}  // namespace rlx::collectives::reduce_scatter
