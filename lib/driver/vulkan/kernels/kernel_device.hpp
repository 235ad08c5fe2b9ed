#pragma once
// What the kernels need of a device: handles and capabilities, from whoever opens the device.

#include <vector>

#include "lib/driver/vulkan/functions.hpp"

namespace rlx::vulkan {

struct KernelDevice {
  VkDevice handle = VK_NULL_HANDLE;
  const DeviceFunctions* functions = nullptr;
  VkPipelineCache pipeline_cache = VK_NULL_HANDLE;
  VkPhysicalDeviceLimits limits{};
  // Features that have been enabled.
  bool buffer_device_address = false;
  bool storage_8bit = false;   ///< storageBuffer8BitAccess
  bool storage_16bit = false;  ///< storageBuffer16BitAccess
  bool int8 = false;           ///< shaderInt8
  bool int16 = false;          ///< shaderInt16
  bool int64 = false;          ///< shaderInt64
  bool float64 = false;        ///< shaderFloat64
  VkPhysicalDeviceFloatControlsProperties float_controls{};
  VkPhysicalDeviceMemoryProperties memory{};  ///< may stay empty: the kernels then take any type
};

/// Throws CollectiveError(Device), or OutOfMemory, naming `what` and the VkResult unless it is
/// VK_SUCCESS.
void check(VkResult result, const char* what);

/// "VK_ERROR_DEVICE_LOST".
[[nodiscard]] const char* name_of(VkResult result) noexcept;

}  // namespace rlx::vulkan
