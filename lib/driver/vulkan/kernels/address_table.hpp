#pragma once
// Addresses for passes of more operands than push constants hold, in a buffer on the device.

#include <cstddef>

#include "lib/driver/vulkan/kernels/kernel_device.hpp"

namespace rlx::vulkan {

struct Pass;

/// One table, which the commands that are recorded rewrite for each pass that needs it: there is
/// nothing to reset, and any number of passes may be recorded, as long as all command buffers go to
/// one queue in the order in which they were recorded.
class AddressTable {
 public:
  /// Sources and destinations together, of one pass: 64 KiB, the most that a command can carry.
  static constexpr std::size_t kCapacity = 8192;

  explicit AddressTable(const KernelDevice& device) : device_(device) {}
  ~AddressTable();
  AddressTable(const AddressTable&) = delete;
  AddressTable& operator=(const AddressTable&) = delete;

  /// Records the writing of the pass's sources and then destinations, behind all dispatches that
  /// were recorded before. Returns the table's address for dispatches that are recorded next.
  VkDeviceAddress write(VkCommandBuffer commands, const Pass& pass);

 private:
  void allocate();

  const KernelDevice& device_;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  VkDeviceAddress address_ = 0;
};

}  // namespace rlx::vulkan
