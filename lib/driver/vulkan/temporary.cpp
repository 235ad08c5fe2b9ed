// Stands in for kernels/ until that is merged.
#include <fmt/format.h>

#include "lib/driver/vulkan/kernels/kernels.hpp"
#include "rlx/error.hpp"
namespace rlx::vulkan {
const char* name_of(VkResult result) noexcept {
  switch (result) {
    case VK_SUCCESS:
      return "VK_SUCCESS";
    case VK_ERROR_DEVICE_LOST:
      return "VK_ERROR_DEVICE_LOST";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return "VK_ERROR_INCOMPATIBLE_DRIVER";
    default:
      return "VK_ERROR";
  }
}
void check(VkResult result, const char* what) {
  if (result == VK_SUCCESS) return;
  throw CollectiveError(
      ErrorKind::Device, "Device",
      fmt::format("{} says {} ({})", what, name_of(result), static_cast<int>(result)));
}
struct Kernels::State {};
Kernels::Kernels(const KernelDevice&) {}
Kernels::~Kernels() = default;
bool Kernels::supports(DType) const noexcept { return false; }
bool Kernels::copies() const noexcept { return false; }
void Kernels::prepare(DType, ReduceKind) {}
void Kernels::record(VkCommandBuffer, const Pass&) {}
}  // namespace rlx::vulkan
