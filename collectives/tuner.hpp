#pragma once
// Which algorithm, and how many pieces: functions only of values that are equal on all ranks.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectives/algorithms.hpp"
#include "collectives/memory_cost.hpp"
#include "collectives/tuning_table.hpp"
#include "rlx/symmetric_transport.hpp"

namespace rlx::collectives {

/// What a transport declares about its messages, as in LogGP (Alexandrov et al., SPAA 1995).
struct LinkCost {
  double latency_us = 1;
  double message_us = 0.1;
  double gigabytes_per_second = 10;  ///< of all links together
  double links = 1;                  ///< that pieces take in turn
};

[[nodiscard]] LinkCost link_cost(const TransportCapabilities& capabilities);

/// The same where more ranks than cores take turns: who waits for a message waits until the system
/// has changed to the one who sends it. (Everything else takes as many times longer as ranks share
/// a core; that changes no choice and is left out.)
[[nodiscard]] LinkCost in_turns(LinkCost link);

/// Agreed values: rank 0's capabilities, Config and measurements, broadcast while wiring.
struct TunerInput {
  Collective collective = Collective::all_reduce;
  std::uint32_t ranks = 1;
  const Nodes* nodes = nullptr;  ///< see Group
  std::size_t count = 0;         ///< elements: vector (all_reduce), block per rank (the others)
  std::size_t element_bytes = 1;
  std::size_t slot_bytes = 0;  ///< scratch of one epoch
  std::uint32_t window = 1;
  LinkCost link;
  bool load_store = false;  ///< every member's memory is mapped
  const MemoryCost* memory = &memory_cost(CacheLayout::mesh);
  bool single_copy = false;  ///< peers' private memory can be read
  bool in_place = false;
  bool stages_input = false;    ///< inputs are copied to staging, whatever the algorithm
  bool stages_output = false;   ///< outputs come out of staging, whatever the algorithm
  bool private_input = false;   ///< peers can not reach inputs: staged where they would
  bool private_output = false;  ///< peers can not reach outputs: likewise
  bool attaches = false;        ///< but can once they are attached, which they are for this call
  std::string_view forced;      ///< an algorithm's name, or empty. Config::algorithm resolved.
  std::size_t forced_piece_bytes = 0;   ///< with `forced`: of vector or block; 0: the model cuts
  const TuningTable* tuning = nullptr;  ///< measured choices; null: none
  std::string_view topology;            ///< the key of the measurements: see topology_of()
};

/// The group whose schedules are chosen among, as its rank 0 sees it.
[[nodiscard]] inline Group group_of(const TunerInput& input) {
  return {input.ranks, 0, input.nodes};
}

/// What decided.
enum class Rule : std::uint8_t { forced, table, cost_model };
/// "forced", "table", "cost model".
[[nodiscard]] std::string_view to_string(Rule rule);

struct Choice {
  const Algorithm* algorithm = nullptr;
  std::size_t piece_count = 0;  ///< elements per piece, in units of `count` above
  std::uint32_t pieces = 1;     ///< at least 1
  bool stages_input = false;
  bool stages_output = false;
  double predicted_us = 0;
  Rule rule = Rule::cost_model;
  std::string why;  ///< which entry of the table, or why none decided; empty: there is no table
  /// Bytes (of vector or block) from which results are written past the caches; nullopt: not
  /// measured for this call.
  std::optional<std::uint64_t> stream_from;
};

/// One algorithm of a collective beside the others.
struct Alternative {
  const Algorithm* algorithm = nullptr;
  Choice choice;         ///< what it would be with this one; without rule
  std::string obstacle;  ///< why it can not run this call; empty: it can
};

/// Throws CollectiveError(InvalidArgument) naming the forced algorithm, the collective, what
/// exists, or (Unsupported) why it does not support this many ranks.
[[nodiscard]] Choice choose(const TunerInput& input);

/// Every algorithm of the collective, in the order of their table.
[[nodiscard]] std::vector<Alternative> alternatives(const TunerInput& input);

/// The entry of the table that such calls look for.
[[nodiscard]] TuningKey tuning_key(const TunerInput& input);

/// The largest piece (elements, a multiple of 64 bytes' worth where possible, at least 1) whose
/// scratch fits one slot under this algorithm, and its message too where that is staged.
[[nodiscard]] std::size_t largest_piece(const Algorithm& algorithm, const TunerInput& input);

/// "all_reduce=ring,all_gather=bruck" or "ring" -> the name for this collective, or empty.
[[nodiscard]] std::string_view forced_algorithm(std::string_view config, Collective collective);

}  // namespace rlx::collectives
