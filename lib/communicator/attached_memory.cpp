#include "lib/communicator/attached_memory.hpp"

#include "lib/communicator/call.hpp"
#include "rlx/dtype.hpp"

namespace rlx::detail {
namespace {

bool attach(Attached& attached, std::span<std::byte> memory, WindowRole role,
            SymmetricTransport& transport) noexcept {
  const auto window = transport.attach(memory, role);
  if (window) attached = {memory.data(), *window};
  return window.has_value();
}

void detach(Attached& attached, SymmetricTransport& transport) noexcept {
  if (attached.base == nullptr) return;
  transport.detach(attached.window.number);
  attached = {};
}

std::span<std::byte> bytes_of(const MemoryRef& memory, DType dtype) noexcept {
  return {memory.data, memory.count * size_of(dtype)};
}

}  // namespace

bool attach_memory(CallState& call, SymmetricTransport& transport) noexcept {
  const CallArguments& arguments = call.arguments;
  if (call.prepared->attach_input) {
    const auto memory = call.input_aside.empty() ? bytes_of(arguments.in, arguments.dtype)
                                                 : std::span<std::byte>(call.input_aside);
    if (!attach(call.input_attached, memory, WindowRole::source, transport)) return false;
  }
  if (!call.prepared->attach_output) return true;
  const auto memory = call.output_aside.empty() ? bytes_of(arguments.out, arguments.dtype)
                                                : std::span<std::byte>(call.output_aside);
  return attach(call.output_attached, memory, WindowRole::call, transport);
}

void detach_memory(CallState& call, SymmetricTransport& transport) noexcept {
  detach(call.input_attached, transport);
  detach(call.output_attached, transport);
}

}  // namespace rlx::detail
