#include "lib/driver/vulkan/kernels/kernel_device.hpp"

#include <fmt/format.h>

#include "rlx/error.hpp"

namespace rlx::vulkan {
namespace {

const char* advice(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "the machine has no memory left for the driver; free some";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
    case VK_ERROR_FRAGMENTATION:
      return "the device has no memory left; free buffers, or end other programs that use it";
    case VK_ERROR_TOO_MANY_OBJECTS:
      return "the driver allows no more objects of this kind; allocate fewer and larger buffers";
    case VK_ERROR_DEVICE_LOST:
      return "the device stopped working; look for its errors in the kernel log and start anew";
    default:
      return "the driver refused; a newer one may not";
  }
}

bool lacks_memory(VkResult result) {
  return result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY ||
         result == VK_ERROR_OUT_OF_POOL_MEMORY || result == VK_ERROR_FRAGMENTATION;
}

}  // namespace

void check(VkResult result, const char* what) {
  if (result == VK_SUCCESS) return;
  throw CollectiveError(
      lacks_memory(result) ? ErrorKind::OutOfMemory : ErrorKind::Device, what,
      fmt::format("{} ({}): {}", name_of(result), static_cast<int>(result), advice(result)));
}

const char* name_of(VkResult result) noexcept {
  switch (result) {
#define RLX_VULKAN_RESULT(name) \
  case name:                    \
    return #name;
    RLX_VULKAN_RESULT(VK_SUCCESS)
    RLX_VULKAN_RESULT(VK_NOT_READY)
    RLX_VULKAN_RESULT(VK_TIMEOUT)
    RLX_VULKAN_RESULT(VK_EVENT_SET)
    RLX_VULKAN_RESULT(VK_EVENT_RESET)
    RLX_VULKAN_RESULT(VK_INCOMPLETE)
    RLX_VULKAN_RESULT(VK_ERROR_OUT_OF_HOST_MEMORY)
    RLX_VULKAN_RESULT(VK_ERROR_OUT_OF_DEVICE_MEMORY)
    RLX_VULKAN_RESULT(VK_ERROR_INITIALIZATION_FAILED)
    RLX_VULKAN_RESULT(VK_ERROR_DEVICE_LOST)
    RLX_VULKAN_RESULT(VK_ERROR_MEMORY_MAP_FAILED)
    RLX_VULKAN_RESULT(VK_ERROR_LAYER_NOT_PRESENT)
    RLX_VULKAN_RESULT(VK_ERROR_EXTENSION_NOT_PRESENT)
    RLX_VULKAN_RESULT(VK_ERROR_FEATURE_NOT_PRESENT)
    RLX_VULKAN_RESULT(VK_ERROR_INCOMPATIBLE_DRIVER)
    RLX_VULKAN_RESULT(VK_ERROR_TOO_MANY_OBJECTS)
    RLX_VULKAN_RESULT(VK_ERROR_FORMAT_NOT_SUPPORTED)
    RLX_VULKAN_RESULT(VK_ERROR_FRAGMENTED_POOL)
    RLX_VULKAN_RESULT(VK_ERROR_UNKNOWN)
    RLX_VULKAN_RESULT(VK_ERROR_OUT_OF_POOL_MEMORY)
    RLX_VULKAN_RESULT(VK_ERROR_INVALID_EXTERNAL_HANDLE)
    RLX_VULKAN_RESULT(VK_ERROR_FRAGMENTATION)
    RLX_VULKAN_RESULT(VK_ERROR_INVALID_OPAQUE_CAPTURE_ADDRESS)
    RLX_VULKAN_RESULT(VK_PIPELINE_COMPILE_REQUIRED)
    RLX_VULKAN_RESULT(VK_ERROR_VALIDATION_FAILED_EXT)
    RLX_VULKAN_RESULT(VK_ERROR_INVALID_SHADER_NV)
    RLX_VULKAN_RESULT(VK_ERROR_NOT_PERMITTED_KHR)
#undef RLX_VULKAN_RESULT
    default:
      return "an unknown VkResult";
  }
}

}  // namespace rlx::vulkan
