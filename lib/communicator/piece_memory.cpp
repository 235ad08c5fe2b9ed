#include "lib/communicator/piece_memory.hpp"

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

}  // namespace rlx::detail
