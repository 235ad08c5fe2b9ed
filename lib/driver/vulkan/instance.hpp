#pragma once
// The connection of this process to Vulkan's loader.

#include <string>
#include <vector>

#include "lib/driver/vulkan/physical_device.hpp"

namespace rlx::vulkan {

/// Made when first asked for and kept to the end of the process: drivers have threads of their own,
/// and what they do while a process ends is not to be relied upon.
struct Instance {
  GlobalFunctions global;
  InstanceFunctions functions;
  VkInstance handle = VK_NULL_HANDLE;  ///< null where there is no Vulkan
  std::vector<PhysicalDevice> devices;
  /// Why there are no devices, in the words of whoever refused; empty where there are.
  std::string reason;
  bool validated = false;  ///< the validation layer is at work
};

/// Of this process: a forked child gets one of its own. Throws nothing.
[[nodiscard]] const Instance& instance();

}  // namespace rlx::vulkan
