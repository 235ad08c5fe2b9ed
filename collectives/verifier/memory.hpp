#pragma once
// The memory of all ranks in an abstract run: what each chunk holds, and who accessed it when.

#include <cstdint>
#include <span>
#include <vector>

#include "collectives/schedule.hpp"
#include "collectives/verifier/clocks.hpp"
#include "collectives/verifier/value.hpp"

namespace rlx::collectives::verifier {

/// How input and output are bound: as different memory, or as the same (rlx/collectives.hpp says
/// which chunk of one is which of the other).
enum class Placement : std::uint8_t { out_of_place, in_place };

/// Index of a put or signal of the run; kNoMessage for a local access.
using Message = std::uint32_t;
inline constexpr Message kNoMessage = 0xffffffff;

/// An access of one chunk. A local one begins and ends with its step. One made by a put begins with
/// that step and ends when the target awaits its signal: local completion proves nothing.
struct Access {
  Component component = kNoComponent;
  std::uint32_t step = 0;
  Message message = kNoMessage;
};

/// One chunk: its value, the last write, and the reads since.
struct Chunk {
  Value value;
  Access write;
  std::vector<Access> reads;
};

class Memory {
 public:
  Memory(std::span<const Schedule> schedules, Placement placement);

  /// Chunk `ref.chunk + i` of that rank, whatever `ref.peer` says.
  [[nodiscard]] Chunk& at(std::uint32_t rank, const Ref& ref, std::uint32_t i = 0) {
    return chunks_[index(rank, ref.space, ref.chunk + i)];
  }
  /// Chunks of one space of one rank.
  [[nodiscard]] std::uint32_t count(Space space) const;

 private:
  [[nodiscard]] std::size_t index(std::uint32_t rank, Space space, std::uint32_t chunk) const;
  void fill_inputs();

  Collective collective_;
  Placement placement_;
  std::uint32_t ranks_;
  std::uint32_t inputs_;
  std::uint32_t outputs_;
  std::uint32_t scratch_;
  std::uint32_t lines_;
  std::vector<Chunk> chunks_;
};

}  // namespace rlx::collectives::verifier
