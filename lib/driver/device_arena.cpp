#include "rlx/device_arena.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/driver/cpu/reduce.hpp"
#include "rlx/error.hpp"

namespace rlx {
namespace {

[[noreturn]] void throw_invalid(std::string message) {
  throw CollectiveError(ErrorKind::InvalidArgument, "DeviceArena", std::move(message));
}

// Whole lines, so that slots never share one.
std::size_t lines_end(std::size_t offset, std::size_t bytes) {
  constexpr std::size_t kMask = MemoryPlan::kAlignment - 1;
  std::size_t end = 0;
  if (__builtin_add_overflow(offset, bytes, &end) || __builtin_add_overflow(end, kMask, &end)) {
    throw_invalid(fmt::format("{} bytes at offset {} do not fit 64 bits", bytes, offset));
  }
  return end & ~kMask;
}

void check_room(const MemoryPlan& plan, std::size_t given) {
  if (given >= plan.capacity()) return;
  throw CollectiveError(
      ErrorKind::OutOfMemory, "DeviceArena",
      fmt::format("the plan needs {} bytes, the memory given has {}", plan.capacity(), given));
}

}  // namespace

SlotId MemoryPlan::add(DType dtype, Shape shape) {
  return add_at(capacity_, dtype, std::move(shape));
}

SlotId MemoryPlan::add_at(std::size_t offset, DType dtype, Shape shape) {
  if (offset % kAlignment != 0) {
    throw_invalid(fmt::format("offset {} of a slot is no multiple of {}", offset, kAlignment));
  }
  const std::size_t bytes = shape.bytes(dtype);
  capacity_ = std::max(capacity_, lines_end(offset, bytes));
  slots_.push_back({dtype, std::move(shape), offset, bytes});
  return static_cast<SlotId>(slots_.size() - 1);
}

const Slot& MemoryPlan::slot(SlotId id) const {
  const auto index = static_cast<std::size_t>(id);
  if (index < slots_.size()) return slots_[index];
  throw CollectiveError(ErrorKind::OutOfBounds, "DeviceArena",
                        fmt::format("slot {} of a plan that has slots 0 to {} (count {})", index,
                                    slots_.empty() ? 0 : slots_.size() - 1, slots_.size()));
}

DeviceArena::DeviceArena(Device device, MemoryPlan plan)
    : device_(device),
      plan_(std::move(plan)),
      owned_(Buffer(device, DType::u8, Shape{plan_.capacity()})) {}

DeviceArena::DeviceArena(MemoryPlan plan, Buffer memory)
    : device_(memory.device()), plan_(std::move(plan)), owned_(std::move(memory)) {
  check_room(plan_, owned_->bytes());
}

DeviceArena::DeviceArena(MemoryPlan plan, std::span<std::byte> memory)
    : device_(Device::cpu()), plan_(std::move(plan)), external_(memory.data()) {
  check_room(plan_, memory.size());
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  if (address % MemoryPlan::kAlignment != 0) {
    throw_invalid(fmt::format("the memory starts at {:#x}, no multiple of {}", address,
                              MemoryPlan::kAlignment));
  }
}

std::span<std::byte> DeviceArena::bytes(SlotId id) const {
  const Slot& slot = plan_.slot(id);
  if (slot.bytes == 0) return {};
  std::byte* base = owned_ ? owned_->memory().host_data() : external_;
  if (base != nullptr) return {base + slot.offset, slot.bytes};
  throw CollectiveError(ErrorKind::Unsupported, "DeviceArena",
                        fmt::format("the CPU can not reach slot {} on {}; use read() and write()",
                                    static_cast<std::uint32_t>(id), device_.name()));
}

BufferView DeviceArena::view(SlotId id) const {
  const Slot& slot = plan_.slot(id);
  if (owned_) return {owned_->memory(), slot.offset, slot.dtype, slot.shape.count()};
  return {external_ + slot.offset, slot.dtype, slot.shape.count()};
}

void DeviceArena::write(SlotId id, std::span<const float> values) {
  const Slot& slot = check_transfer(id, values.size(), "DeviceArena::write");
  if (values.empty()) return;
  if (std::byte* base = owned_ ? owned_->memory().host_data() : external_) {
    cpu::from_f32(base + slot.offset, values.data(), values.size(), slot.dtype);
    return;
  }
  std::vector<std::byte> converted(slot.bytes);
  cpu::from_f32(converted.data(), values.data(), values.size(), slot.dtype);
  owned_->memory().write(slot.offset, converted);
}

void DeviceArena::read(SlotId id, std::span<float> values) const {
  const Slot& slot = check_transfer(id, values.size(), "DeviceArena::read");
  if (values.empty()) return;
  if (const std::byte* base = owned_ ? owned_->memory().host_data() : external_) {
    cpu::to_f32(values.data(), base + slot.offset, values.size(), slot.dtype);
    return;
  }
  std::vector<std::byte> raw(slot.bytes);
  owned_->memory().read(slot.offset, raw);
  cpu::to_f32(values.data(), raw.data(), values.size(), slot.dtype);
}

void DeviceArena::check_element(SlotId id, DType wanted) const {
  const Slot& slot = plan_.slot(id);
  if (wanted == slot.dtype) return;
  throw_invalid(fmt::format("slot {} holds {}, not {}", static_cast<std::uint32_t>(id),
                            to_string(slot.dtype), to_string(wanted)));
}

const Slot& DeviceArena::check_transfer(SlotId id, std::size_t count, const char* operation) const {
  const Slot& slot = plan_.slot(id);
  if (!is_floating(slot.dtype) || slot.dtype == DType::f64) {
    throw CollectiveError(
        ErrorKind::Unsupported, operation,
        fmt::format("slot {} holds {}; only floats of up to 32 bits convert to f32",
                    static_cast<std::uint32_t>(id), to_string(slot.dtype)));
  }
  if (slot.shape.count() == count) return slot;
  throw CollectiveError(
      ErrorKind::LengthMismatch, operation,
      fmt::format("{} values for slot {} of shape {} ({} elements)", count,
                  static_cast<std::uint32_t>(id), to_string(slot.shape), slot.shape.count()));
}

}  // namespace rlx
