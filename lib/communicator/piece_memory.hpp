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

[[nodiscard]] PieceMemory piece_memory(const CallState& call, std::uint32_t piece) noexcept;

/// Copies the piece's input to staging: the vector, or block after block.
void stage_in(const PreparedCall& plan, const PieceMemory& memory, std::byte* staging) noexcept;
/// Copies the piece's output from staging.
void stage_out(const PreparedCall& plan, const PieceMemory& memory,
               const std::byte* staging) noexcept;

}  // namespace rlx::detail
