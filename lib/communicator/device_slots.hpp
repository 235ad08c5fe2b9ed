#pragma once
// Slots in the memory of the device that all members own, which each of them names by addresses of
// its own: their steps then move bytes within the device.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lib/communicator/device_side.hpp"
#include "rlx/rank.hpp"
#include "rlx/symmetric_heap.hpp"

namespace rlx::detail {

class DeviceSlots {
 public:
  /// `bytes` of each of `members`, of whom I am number `me` and who run on one machine. All are
  /// given to each other, or none, and then the slots are those of the heap. Collective over those
  /// who agree, among whom there may be other groups, and ranks that have nothing to share: their
  /// `device` is nullptr. Throws only what agreeing throws.
  static DeviceSlots share(const DeviceSide* device, std::size_t bytes,
                           std::span<const Rank> members, std::uint32_t me, const Agree& maximum);

  [[nodiscard]] bool any() const noexcept { return !slots_.empty(); }
  [[nodiscard]] std::byte* of(std::size_t member) const noexcept {
    return slots_[member]->address();
  }

 private:
  std::vector<std::unique_ptr<DeviceMemory>> slots_;  // by member
};

}  // namespace rlx::detail
