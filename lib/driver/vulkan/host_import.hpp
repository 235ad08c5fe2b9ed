#pragma once
// Host memory that steps of a device name directly (VK_EXT_external_memory_host).

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "lib/driver/devices.hpp"
#include "lib/driver/vulkan/device_buffer.hpp"
#include "lib/driver/vulkan/vulkan_compute.hpp"

namespace rlx::vulkan {

/// Pages in the device's reach. They are cut into buffers that the device can have, each of which
/// goes on a page into the next, so that no element lies in two.
class ImportedPages {
 public:
  /// What it could not import leaves it without buffers.
  ImportedPages(Gpu& gpu, VulkanCompute& compute, std::span<std::byte> pages);
  /// Waits for the steps that name them.
  ~ImportedPages();
  ImportedPages(const ImportedPages&) = delete;
  ImportedPages& operator=(const ImportedPages&) = delete;

  [[nodiscard]] VkResult result() const noexcept { return result_; }
  [[nodiscard]] bool holds(std::span<std::byte> pages) const noexcept;

 private:
  Gpu& gpu_;
  VulkanCompute& compute_;
  std::span<std::byte> pages_;
  VkResult result_ = VK_SUCCESS;
  std::vector<DeviceBuffer> buffers_;
};

/// What is imported now, so that the same pages are imported once, however often they are asked
/// for.
class ImportedRanges {
 public:
  /// nullptr where it is not possible.
  [[nodiscard]] std::unique_ptr<HostImport> import(Gpu& gpu, VulkanCompute& compute,
                                                   std::span<std::byte> pages);

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<ImportedPages>> live_;  // shared by those who asked for the same pages
};

}  // namespace rlx::vulkan
