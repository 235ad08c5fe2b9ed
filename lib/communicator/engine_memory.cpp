// Where the memory of an epoch is: the user's, or staging, into which inputs and out of which
// outputs are copied, by the CPU or by the device whose they are.

#include <algorithm>
#include <cstring>

#include "lib/communicator/engine.hpp"
#include "lib/communicator/piece_memory.hpp"

namespace rlx::detail {

namespace {

void copy_bytes(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  std::memcpy(to, from, bytes);
}

ComputeTicket submit_copy(Compute& compute, std::byte* to, const std::byte* from,
                          std::size_t bytes) noexcept {
  return compute.submit({.destinations = {&to, 1}, .sources = {&from, 1}, .count = bytes});
}

}  // namespace

std::byte* Engine::stage(std::uint64_t epoch) const noexcept {
  return setup_.memory + kControlBytes + setup_.sets * setup_.slot_bytes +
         window_(epoch) * 2 * setup_.stage_bytes;
}

/// Memory that is a window of this call's own.
void Engine::use_attached(const CallState& call, collectives::RunArguments& arguments,
                          collectives::ArriveLine& arrive) noexcept {
  if (call.input_attached.base != nullptr)
    arguments.input.window = call.input_attached.window.number;
  if (call.output_attached.base == nullptr) return;
  const Window& window = call.output_attached.window;
  arguments.output.window = window.number;
  if (call.arguments.in_place) arguments.input.window = window.number;
  arrive.output_window = window.number;
  arrive.output_offset =
      static_cast<std::uint64_t>(arguments.output.base - call.output_attached.base);
  arrive.key_length = window.key.length;
  std::copy_n(window.key.bytes.begin(), window.key.length, arrive.key.begin());
}

/// Copies the input of an epoch that starts to staging: at once, or by the device, for which
/// advance_epoch() then waits.
void Engine::stage_in(Active& slot, const PieceMemory& memory, std::byte* staging) noexcept {
  const PreparedCall& plan = *slot.call->prepared;
  const CallArguments& arguments = slot.call->arguments;
  DeviceMemory* const device = arguments.in_place ? arguments.out.device : arguments.in.device;
  if (device == nullptr) return for_each_input(plan, memory, staging, copy_bytes);
  if (setup_.device_reaches_memory) {
    for_each_input(plan, memory, staging, [&](std::byte* to, const std::byte* from, auto bytes) {
      slot.ticket = submit_copy(setup_.device->compute(), to, from, bytes);
      slot.staging = Staging::in;
    });
    return;
  }
  for_each_input(plan, memory, staging, [&](std::byte* to, const std::byte* from, auto bytes) {
    setup_.device->read(*device, from, {to, bytes});
  });
}

/// Copies the output of an epoch that is over from staging. True when it has arrived; otherwise the
/// device has been told.
bool Engine::stage_out(Active& slot) noexcept {
  const PreparedCall& plan = *slot.call->prepared;
  const PieceMemory memory = piece_memory(*slot.call, slot.piece);
  const std::byte* const staging = stage(slot.run.epoch()) + setup_.stage_bytes;
  DeviceMemory* const device = slot.call->arguments.out.device;
  if (device == nullptr) {
    for_each_output(plan, memory, staging, copy_bytes);
    return true;
  }
  if (setup_.device_reaches_memory) {
    for_each_output(plan, memory, staging, [&](std::byte* to, const std::byte* from, auto bytes) {
      slot.ticket = submit_copy(setup_.device->compute(), to, from, bytes);
    });
    return memory.count == 0;
  }
  for_each_output(plan, memory, staging, [&](std::byte* to, const std::byte* from, auto bytes) {
    setup_.device->write(*device, to, {from, bytes});
  });
  return true;
}

void Engine::set_memory(collectives::RunArguments& arguments, Active& slot) noexcept {
  const CallState& call = *slot.call;
  const PieceMemory memory = piece_memory(call, slot.piece);
  std::byte* staging = stage(arguments.epoch);
  if (call.prepared->stage_input) stage_in(slot, memory, staging);
  std::byte* input = call.prepared->stage_input ? staging : memory.input;
  std::byte* output = call.prepared->stage_output ? staging + setup_.stage_bytes : memory.output;
  arguments.input = {input, setup_.memory_window};
  arguments.output = {output, setup_.memory_window};
  if (!call.prepared->names_windows) return;
  collectives::ArriveLine arrive;
  arrive.count = memory.count;
  const auto announce = [&](collectives::RunMemory& run, std::uint64_t& offset,
                            std::uint16_t& window) {
    const auto [number, base] = find_window_(context_, run.base);
    run.window = number;
    window = base ? number : collectives::kPrivateMemory;
    offset = base ? static_cast<std::uint64_t>(run.base - base)
                  : reinterpret_cast<std::uint64_t>(run.base);
  };
  announce(arguments.input, arrive.input_offset, arrive.input_window);
  announce(arguments.output, arrive.output_offset, arrive.output_window);
  use_attached(call, arguments, arrive);
  std::byte* line = setup_.memory + kArrivalOffset + window_(arguments.epoch) * kLineBytes;
  std::memcpy(line, &arrive, sizeof arrive);
  arguments.arrival = {line, setup_.memory_window};
}

}  // namespace rlx::detail
