#pragma once
// Which algorithm, and how many pieces: functions only of values that are equal on all ranks.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collectives/algorithms.hpp"

namespace rlx::collectives {

/// Agreed values: rank 0's capabilities and Config, broadcast while wiring.
struct TunerInput {
  Collective collective = Collective::all_reduce;
  std::uint32_t ranks = 1;
  std::size_t count = 0;         ///< elements: vector (all_reduce), block per rank (the others)
  std::size_t element_bytes = 1;
  std::size_t slot_bytes = 0;    ///< scratch of one epoch
  std::uint32_t window = 1;
  double latency_us = 1;
  double gigabytes_per_second = 10;
  std::string_view forced;       ///< an algorithm's name, or empty. Config::algorithm resolved.
};

struct Choice {
  const Algorithm* algorithm = nullptr;
  std::size_t piece_count = 0;  ///< elements per piece, in units of `count` above
  std::uint32_t pieces = 1;     ///< at least 1
  std::uint32_t depth = 1;      ///< pieces of this call worth having in flight, at most the window
  double predicted_us = 0;
};

/// Throws CollectiveError(InvalidArgument) naming the forced algorithm, the collective, what exists,
/// or (Unsupported) why it does not support this many ranks.
[[nodiscard]] Choice choose(const TunerInput& input);

/// The largest piece (elements, a multiple of 64 bytes' worth where possible, at least 1) whose
/// scratch fits one slot under this algorithm.
[[nodiscard]] std::size_t largest_piece(const Algorithm& algorithm, std::uint32_t ranks,
                                        std::size_t element_bytes, std::size_t slot_bytes);

/// "all_reduce=ring,all_gather=bruck" or "ring" -> the name for this collective, or empty.
[[nodiscard]] std::string_view forced_algorithm(std::string_view config, Collective collective);

}  // namespace rlx::collectives
