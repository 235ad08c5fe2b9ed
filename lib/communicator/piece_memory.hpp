#pragma once
// Which bytes of the user's memory one piece of a call covers, and how they are staged.

#include <cstddef>

#include "lib/communicator/call.hpp"

namespace rlx::detail {

struct PieceMemory {
  std::byte* input = nullptr;
  std::byte* output = nullptr;
  std::size_t count = 0;  ///< elements of the vector or of one block
};

[[nodiscard]] PieceMemory piece_memory(const CallArguments& call, const PreparedCall& plan,
                                       std::uint32_t piece) noexcept;
/// The same of a call whose input or output may have been copied aside.
[[nodiscard]] PieceMemory piece_memory(const CallState& call, std::uint32_t piece) noexcept;

/// f(to, from, bytes) of every stretch of the piece's input that goes to staging: the vector, or
/// block after block. Nothing for a piece of nothing.
template <class Copy>
void for_each_input(const PreparedCall& plan, const PieceMemory& memory, std::byte* staging,
                    Copy&& f) noexcept {
  const std::size_t bytes = memory.count * plan.element_bytes;
  if (bytes == 0) return;
  const bool blocks = plan.schedule.collective == collectives::Collective::reduce_scatter;
  const std::size_t whole = plan.count * plan.element_bytes;
  for (std::uint32_t block = 0; block < (blocks ? plan.ranks : 1); ++block)
    f(staging + block * plan.stage_stride, memory.input + block * whole, bytes);
}

/// The same of its output, from staging.
template <class Copy>
void for_each_output(const PreparedCall& plan, const PieceMemory& memory, const std::byte* staging,
                     Copy&& f) noexcept {
  const std::size_t bytes = memory.count * plan.element_bytes;
  if (bytes == 0) return;
  const bool blocks = plan.schedule.collective == collectives::Collective::all_gather;
  const std::size_t whole = plan.count * plan.element_bytes;
  for (std::uint32_t block = 0; block < (blocks ? plan.ranks : 1); ++block)
    f(memory.output + block * whole, staging + block * plan.stage_stride, bytes);
}

}  // namespace rlx::detail
