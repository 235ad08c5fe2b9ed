#pragma once
// Everything that belongs to one device in use.

#include <cstdint>
#include <memory>
#include <mutex>

#include "lib/driver/vulkan/gpu.hpp"
#include "lib/driver/vulkan/host_import.hpp"
#include "lib/driver/vulkan/staged_copy.hpp"
#include "lib/driver/vulkan/vulkan_compute.hpp"

namespace rlx::vulkan {

struct OpenDevice {
  OpenDevice(const Instance& instance, std::uint32_t index)
      : gpu(instance, index), compute(gpu), staging(gpu, compute) {}

  Gpu gpu;
  VulkanCompute compute;
  std::mutex staging_mutex;
  Staging staging;  ///< for transfers that are complete when they return
  ImportedRanges imports;
};

/// Opened when first asked for and kept to the end of the process, after which a child starts anew.
/// `index` is below the number of devices. Throws CollectiveError(Device).
[[nodiscard]] OpenDevice& open_device(std::uint32_t index);

}  // namespace rlx::vulkan
