#pragma once
// Binding: a schedule lowered once to resolved offsets, peers and lengths for one piece length, so
// that replaying it looks nothing up. Memory of my own stays relative to a base that each run
// gives.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "collectives/schedule.hpp"

namespace rlx::collectives {

/// How one piece lies in memory. Bytes.
struct PieceLayout {
  std::size_t element_bytes = 1;
  std::size_t count = 0;          ///< elements: of the vector (all_reduce) or of one block
  std::size_t input_stride = 0;   ///< reduce_scatter: from block to block in the input
  std::size_t output_stride = 0;  ///< all_gather: from block to block in the output
};

/// A place relative to the base of its space, mine or a peer's.
struct BoundRef {
  std::uint64_t offset = 0;
  std::uint32_t peer = kMe;
  Space space = Space::scratch;
};

/// One step, one cache line.
struct BoundStep {
  StepKind kind = StepKind::wait;
  bool finalise = false;
  bool published = false;  ///< wait: for a word of `peer`'s own
  std::uint8_t lines = 1;  ///< publish, wait: words; copy, reduce: of each line operand
  bool outputs = false;    ///< copy, reduce: writes outputs and nothing else
  std::uint8_t destinations = 0;
  std::uint8_t sources = 0;
  std::uint16_t word = 0;
  std::uint16_t part = 0;
  std::uint16_t arrive = kNoWord;
  std::uint16_t lane = 0;
  std::uint32_t peer = 0;      ///< group index
  std::uint32_t operands = 0;  ///< copy, reduce: index into BoundPlan::operands
  std::uint64_t bytes = 0;
  BoundRef destination;  ///< put
  BoundRef source;       ///< put, publish
};
static_assert(sizeof(BoundStep) <= 64);

struct BoundPlan {
  static constexpr std::size_t kMostSharedLines = 72;  ///< 4 KiB and signals

  std::vector<BoundStep> steps;         ///< lane after lane
  std::vector<std::uint32_t> lane_end;  ///< one past the last step of each lane
  std::vector<BoundRef> operands;
  std::size_t scratch_bytes = 0;  ///< of one slot
  /// Messages take the transport's lanes in turn from epoch to epoch; otherwise the schedule's.
  bool rotates_lanes = false;
  /// The first lines, in the order of the steps, that this rank writes and others hold: signals and
  /// scratch, mine and theirs. What is beyond the first few dozen is late anyway.
  std::vector<BoundRef> shared_lines;
};

/// Throws CollectiveError(Internal) when the schedule names memory that the layout does not have.
[[nodiscard]] BoundPlan bind(const Schedule& schedule, const PieceLayout& layout);

/// Whether peers write or read my input or output directly (the schedule sends an ARRIVE).
[[nodiscard]] bool exposes_memory(const Schedule& schedule);

}  // namespace rlx::collectives
