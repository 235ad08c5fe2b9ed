#pragma once
// Which algorithm, and how many pieces: functions only of values that are equal on all ranks.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collectives/algorithms.hpp"
#include "rlx/symmetric_transport.hpp"

namespace rlx::collectives {

/// What a transport declares about its messages, as in LogGP (Alexandrov et al., SPAA 1995).
struct LinkCost {
  double latency_us = 1;
  double message_us = 0.1;
  double gigabytes_per_second = 10;
};

[[nodiscard]] LinkCost link_cost(const TransportCapabilities& capabilities);

/// Agreed values: rank 0's capabilities and Config, broadcast while wiring.
struct TunerInput {
  Collective collective = Collective::all_reduce;
  std::uint32_t ranks = 1;
  std::size_t count = 0;  ///< elements: vector (all_reduce), block per rank (the others)
  std::size_t element_bytes = 1;
  std::size_t slot_bytes = 0;  ///< scratch of one epoch
  std::uint32_t window = 1;
  LinkCost link;
  bool load_store = false;   ///< every member's memory is mapped
  bool single_copy = false;  ///< peers' private memory can be read
  bool in_place = false;
  bool stages_input = false;    ///< inputs are copied to staging, whatever the algorithm
  bool stages_output = false;   ///< outputs come out of staging, whatever the algorithm
  bool private_input = false;   ///< peers can not reach inputs: staged where they would
  bool private_output = false;  ///< peers can not reach outputs: likewise
  std::string_view forced;      ///< an algorithm's name, or empty. Config::algorithm resolved.
};

struct Choice {
  const Algorithm* algorithm = nullptr;
  std::size_t piece_count = 0;  ///< elements per piece, in units of `count` above
  std::uint32_t pieces = 1;     ///< at least 1
  bool stages_input = false;
  bool stages_output = false;
  double predicted_us = 0;
};

/// Throws CollectiveError(InvalidArgument) naming the forced algorithm, the collective, what
/// exists, or (Unsupported) why it does not support this many ranks.
[[nodiscard]] Choice choose(const TunerInput& input);

/// The largest piece (elements, a multiple of 64 bytes' worth where possible, at least 1) whose
/// scratch fits one slot under this algorithm, and its message too where that is staged.
[[nodiscard]] std::size_t largest_piece(const Algorithm& algorithm, const TunerInput& input);

/// "all_reduce=ring,all_gather=bruck" or "ring" -> the name for this collective, or empty.
[[nodiscard]] std::string_view forced_algorithm(std::string_view config, Collective collective);

}  // namespace rlx::collectives
