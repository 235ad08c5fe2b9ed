#pragma once
// Which buffer of the device is behind an address of this process.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "lib/driver/vulkan/functions.hpp"

namespace rlx::vulkan {

/// Addresses that one buffer is behind, from its first byte on.
struct MappedBuffer {
  std::uintptr_t begin = 0;
  std::uint64_t bytes = 0;
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceAddress address = 0;
  bool host = false;  ///< memory of the host
};

/// Where one address leads.
struct Location {
  VkBuffer buffer = VK_NULL_HANDLE;
  std::uint64_t offset = 0;     ///< in the buffer
  VkDeviceAddress address = 0;  ///< of the byte itself
  std::uint64_t left = 0;       ///< bytes from here to the buffer's end
  bool host = false;
};

/// Read by every step, changed when memory comes and goes. Ranges may overlap; of those that hold
/// an address the one that goes on longest is found. Thread safe.
class AddressMap {
 public:
  void insert(const MappedBuffer& mapped);
  void erase(VkBuffer buffer);

  [[nodiscard]] std::optional<Location> find(std::uintptr_t address) const;
  /// Whether buffers hold all of these bytes, and no element that starts at a multiple of its size
  /// from `address` lies in two of them.
  [[nodiscard]] bool covers(std::uintptr_t address, std::uint64_t bytes) const;

 private:
  struct Entry {
    MappedBuffer mapped;
    std::uintptr_t reach;  // the highest end of this and all before
  };
  [[nodiscard]] std::optional<Location> find_locked(std::uintptr_t address) const;
  void update_reach();

  mutable std::shared_mutex mutex_;
  std::vector<Entry> entries_;  // by begin
};

}  // namespace rlx::vulkan
