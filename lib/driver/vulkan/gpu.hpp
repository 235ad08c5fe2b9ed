#pragma once
// One open device: its handles, its queues, its memory accounts.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/driver/vulkan/address_map.hpp"
#include "lib/driver/vulkan/instance.hpp"
#include "lib/driver/vulkan/kernels/kernel_device.hpp"
#include "lib/driver/vulkan/pipeline_cache.hpp"

namespace rlx::vulkan {

/// A queue that work is submitted to; whoever does holds VulkanCompute's lock.
struct Queue {
  VkQueue handle = VK_NULL_HANDLE;
  std::uint32_t family = 0;
  bool computes = false;
};

/// The logical device, destroyed with this.
class LogicalDevice {
 public:
  LogicalDevice(const Instance& instance, const PhysicalDevice& physical);
  ~LogicalDevice();
  LogicalDevice(const LogicalDevice&) = delete;
  LogicalDevice& operator=(const LogicalDevice&) = delete;

  VkDevice handle = VK_NULL_HANDLE;
  DeviceFunctions functions;
  KernelDevice kernels;  ///< all but its pipeline cache

 private:
  void create(const Instance& instance, const PhysicalDevice& physical);
  void find_functions(const Instance& instance, const PhysicalDevice& physical);
};

/// How full a heap is.
struct HeapRoom {
  std::uint64_t bytes = 0;
  std::uint64_t free = 0;  ///< as far as the driver tells; else less what this process has
};

class Gpu {
 public:
  Gpu(const Instance& instance, std::uint32_t index);

  [[nodiscard]] VkDevice device() const noexcept { return logical_.handle; }
  [[nodiscard]] const DeviceFunctions& functions() const noexcept { return logical_.functions; }
  [[nodiscard]] const PhysicalDevice& physical() const noexcept { return physical_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// The generation of the process that this device belongs to.
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
  /// False in a forked child, which may not touch this device.
  [[nodiscard]] bool usable() const noexcept;

  /// First the one that computes, then up to two that only transfer.
  [[nodiscard]] const std::vector<Queue>& queues() const noexcept { return queues_; }
  [[nodiscard]] KernelDevice kernel_device() const;
  [[nodiscard]] PipelineCache& pipeline_cache() noexcept { return cache_; }
  [[nodiscard]] AddressMap& addresses() noexcept { return addresses_; }

  /// The first memory type among `allowed` with all of `wanted`; UINT32_MAX: none.
  [[nodiscard]] std::uint32_t memory_type(std::uint32_t allowed,
                                          VkMemoryPropertyFlags wanted) const noexcept;
  [[nodiscard]] HeapRoom room_of_type(std::uint32_t type) const;
  /// Bytes of its own memory that this process has allocated.
  std::atomic<std::uint64_t> allocated{0};

 private:
  const Instance& instance_;
  const PhysicalDevice& physical_;
  std::string name_;
  std::uint64_t generation_;
  LogicalDevice logical_;
  PipelineCache cache_;
  std::vector<Queue> queues_;
  AddressMap addresses_;
};

}  // namespace rlx::vulkan
