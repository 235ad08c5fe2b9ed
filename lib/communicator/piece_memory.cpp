#include "lib/communicator/piece_memory.hpp"

namespace rlx::detail {

PieceMemory piece_memory(const CallArguments& call, const PreparedCall& plan,
                         std::uint32_t piece) noexcept {
  const std::size_t offset = piece * plan.piece_count * plan.element_bytes;
  const std::size_t own = plan.rank * plan.count * plan.element_bytes;
  PieceMemory memory;
  memory.count = piece + 1 == plan.pieces ? plan.tail_count : plan.piece_count;
  memory.output = call.out.data + offset;
  memory.input = call.in_place ? memory.output : call.in.data + offset;
  if (!call.in_place) return memory;
  if (call.operation == Operation::all_gather) memory.input += own;
  if (call.operation == Operation::reduce_scatter) memory.output += own;
  return memory;
}

PieceMemory piece_memory(const CallState& call, std::uint32_t piece) noexcept {
  const PreparedCall& plan = *call.prepared;
  const std::size_t offset = piece * plan.piece_count * plan.element_bytes;
  PieceMemory memory = piece_memory(call.arguments, plan, piece);
  if (!call.input_aside.empty())
    memory.input = const_cast<std::byte*>(call.input_aside.data()) + offset;
  if (!call.output_aside.empty())
    memory.output = const_cast<std::byte*>(call.output_aside.data()) + offset;
  return memory;
}

}  // namespace rlx::detail
