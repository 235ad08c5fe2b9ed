#pragma once
// Compiled kernels of earlier processes, kept in a folder of the user's.

#include <cstddef>
#include <filesystem>

#include "lib/driver/vulkan/physical_device.hpp"

namespace rlx::vulkan {

class PipelineCache {
 public:
  /// Begins with what the file holds if the file is of this device and driver. Handles must outlive
  /// it.
  PipelineCache(VkDevice device, const DeviceFunctions& functions,
                const VkPhysicalDeviceProperties& properties);
  ~PipelineCache();
  PipelineCache(const PipelineCache&) = delete;
  PipelineCache& operator=(const PipelineCache&) = delete;

  [[nodiscard]] VkPipelineCache handle() const noexcept { return handle_; }
  /// Writes the file if there is more than it holds. Failures lose nothing but time.
  void save() noexcept;

 private:
  void write(std::size_t bytes) const;

  VkDevice device_;
  const DeviceFunctions& functions_;
  std::filesystem::path file_;  // empty: nowhere to keep it
  VkPipelineCache handle_ = VK_NULL_HANDLE;
  std::size_t saved_ = 0;
};

/// $XDG_CACHE_HOME/rlx or $HOME/.cache/rlx; empty where neither is set.
[[nodiscard]] std::filesystem::path cache_folder();

}  // namespace rlx::vulkan
