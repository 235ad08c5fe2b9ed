#pragma once
// Planned memory: a MemoryPlan says where each slot lies, a DeviceArena gives the plan bytes on one
// device. The bytes may be a slice of the symmetric heap; planned tensors are then communicated
// where they lie, at the slice's offset plus the slot's.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "rlx/buffer.hpp"
#include "rlx/buffer_view.hpp"

namespace rlx {

/// Index of a slot in its plan, in the order of add() and add_at().
enum class SlotId : std::uint32_t {};

struct Slot {
  DType dtype = DType::u8;
  Shape shape;
  std::size_t offset = 0;  ///< bytes from the arena's start, a multiple of 64
  std::size_t bytes = 0;
};

/// A value: build it once, use it for any number of arenas.
class MemoryPlan {
 public:
  static constexpr std::size_t kAlignment = 64;

  /// Behind everything so far. Throws CollectiveError(InvalidArgument) when bytes overflow.
  SlotId add(DType dtype, Shape shape);
  /// Where a planner wants it: slots whose lifetimes do not meet may share bytes. Throws
  /// CollectiveError(InvalidArgument) unless `offset` is a multiple of 64.
  SlotId add_at(std::size_t offset, DType dtype, Shape shape);

  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
  /// Throws CollectiveError(OutOfBounds) naming the id and how many there are.
  [[nodiscard]] const Slot& slot(SlotId id) const;
  /// Bytes needed by an arena of this plan, a multiple of 64.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  std::vector<Slot> slots_;
  std::size_t capacity_ = 0;
};

/// Move-only. Slots overlap exactly where the plan says so; no synchronisation.
class DeviceArena {
 public:
  /// Allocates plan.capacity() zeroed bytes. Throws as Buffer.
  DeviceArena(Device device, MemoryPlan plan);
  /// On a buffer of any device, which the arena then owns. Throws CollectiveError(OutOfMemory)
  /// naming needed and given bytes.
  DeviceArena(MemoryPlan plan, Buffer memory);
  /// On host-addressable memory of someone else, which must outlive the arena and start at a
  /// multiple of 64. Throws CollectiveError(OutOfMemory) naming needed and given bytes,
  /// InvalidArgument for the alignment.
  DeviceArena(MemoryPlan plan, std::span<std::byte> memory);

  [[nodiscard]] const Device& device() const noexcept { return device_; }
  [[nodiscard]] const MemoryPlan& plan() const noexcept { return plan_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return plan_.capacity(); }
  /// Byte offset of the slot. Throws as MemoryPlan::slot, like all that take an id.
  [[nodiscard]] std::size_t offset(SlotId id) const { return plan_.slot(id).offset; }

  /// The slot's bytes. Throws CollectiveError(Unsupported) when the CPU can not reach them.
  [[nodiscard]] std::span<std::byte> bytes(SlotId id) const;
  /// The slot for a CommandStream, on any device.
  [[nodiscard]] BufferView view(SlotId id) const;
  /// The slot's elements. Also throws CollectiveError(InvalidArgument) when T is not its dtype.
  template <Element T>
  [[nodiscard]] std::span<T> span(SlotId id) const {
    check_element(id, dtype_of<T>);
    const std::span<std::byte> raw = bytes(id);
    return {reinterpret_cast<T*>(raw.data()), raw.size() / sizeof(T)};
  }

  /// Converts to the slot's dtype, a float of up to 32 bits, rounding to nearest even, and stores,
  /// on any device. Throws CollectiveError: LengthMismatch unless the shape's count is given,
  /// Unsupported for other dtypes.
  void write(SlotId id, std::span<const float> values);
  /// Loads and converts to f32; throws as write().
  void read(SlotId id, std::span<float> values) const;

 private:
  void check_element(SlotId id, DType wanted) const;
  const Slot& check_transfer(SlotId id, std::size_t count, const char* operation) const;

  Device device_;
  MemoryPlan plan_;
  std::optional<Buffer> owned_;  // empty on external memory
  std::byte* external_ = nullptr;
};

}  // namespace rlx
