#include "lib/communicator/piece_memory.hpp"

#include <cstring>

namespace rlx::detail {

PieceMemory piece_memory(const CallState& call, std::uint32_t piece) noexcept {
  const PreparedCall& plan = *call.prepared;
  const std::size_t offset = piece * plan.piece_count * plan.element_bytes;
  const std::size_t own = plan.rank * plan.count * plan.element_bytes;
  const Operation operation = call.arguments.operation;
  PieceMemory memory;
  memory.count = piece + 1 == plan.pieces ? plan.tail_count : plan.piece_count;
  memory.output = call.arguments.out.data + offset;
  memory.input = call.arguments.in_place ? memory.output : call.arguments.in.data + offset;
  if (!call.input_aside.empty())
    memory.input = const_cast<std::byte*>(call.input_aside.data()) + offset;
  if (!call.output_aside.empty())
    memory.output = const_cast<std::byte*>(call.output_aside.data()) + offset;
  if (!call.arguments.in_place) return memory;
  if (operation == Operation::all_gather) memory.input += own;
  if (operation == Operation::reduce_scatter) memory.output += own;
  return memory;
}

void stage_in(const PreparedCall& plan, const PieceMemory& memory, std::byte* staging) noexcept {
  const std::size_t bytes = memory.count * plan.element_bytes;
  if (bytes == 0) return;
  const bool blocks = plan.schedule.collective == collectives::Collective::reduce_scatter;
  const std::size_t whole = plan.count * plan.element_bytes;
  for (std::uint32_t block = 0; block < (blocks ? plan.ranks : 1); ++block)
    std::memcpy(staging + block * plan.stage_stride, memory.input + block * whole, bytes);
}

void stage_out(const PreparedCall& plan, const PieceMemory& memory,
               const std::byte* staging) noexcept {
  const std::size_t bytes = memory.count * plan.element_bytes;
  if (bytes == 0) return;
  const bool blocks = plan.schedule.collective == collectives::Collective::all_gather;
  const std::size_t whole = plan.count * plan.element_bytes;
  for (std::uint32_t block = 0; block < (blocks ? plan.ranks : 1); ++block)
    std::memcpy(memory.output + block * whole, staging + block * plan.stage_stride, bytes);
}

}  // namespace rlx::detail
