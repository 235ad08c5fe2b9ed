#pragma once
// What a device says about itself before it is opened.

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/driver/vulkan/functions.hpp"

namespace rlx::vulkan {

struct PciAddress {
  std::uint32_t domain = 0;
  std::uint32_t bus = 0;
  std::uint32_t device = 0;
  std::uint32_t function = 0;
  friend auto operator<=>(const PciAddress&, const PciAddress&) = default;
};

/// "0000:1a:00.0", as in /sys/bus/pci/devices.
[[nodiscard]] std::string to_string(const PciAddress& address);

/// Which queue families serve what.
struct QueueFamilies {
  std::uint32_t compute = 0;
  std::uint32_t transfer = 0;         ///< one that does nothing else; compute's where there is none
  std::uint32_t transfer_queues = 0;  ///< of that family that are used, 0 to 2
};

struct PhysicalDevice {
  VkPhysicalDevice handle = VK_NULL_HANDLE;
  VkPhysicalDeviceProperties properties{};
  std::string driver;  ///< "NVIDIA 580.159.04, Vulkan 1.4.312"
  std::array<std::uint8_t, VK_UUID_SIZE> uuid{};
  std::uint64_t identity = 0;  ///< of device and driver, by which processes know the same one
  bool has_pci = false;
  PciAddress pci;
  bool host_import = false;    ///< VK_EXT_external_memory_host
  bool memory_fd = false;      ///< VK_KHR_external_memory_fd
  bool memory_budget = false;  ///< VK_EXT_memory_budget
  std::uint64_t import_alignment = 0;
  std::uint64_t most_allocation = 0;  ///< bytes of one allocation
  std::uint64_t most_buffer = 0;      ///< bytes of one buffer
  std::uint64_t memory_bytes = 0;     ///< of the largest heap of its own
  std::uint32_t compute_units = 0;    ///< 0: it does not say
  QueueFamilies queues;
  VkPhysicalDeviceFloatControlsProperties float_controls{};
  VkPhysicalDeviceMemoryProperties memory{};
};

/// Devices with all that rlx needs (Vulkan 1.2, timeline semaphores, buffer device addresses), in
/// an order that stays: discrete, integrated, virtual, others, processors; then by PCI address.
[[nodiscard]] std::vector<PhysicalDevice> physical_devices(const InstanceFunctions& functions,
                                                           VkInstance instance);

/// "1 compute, 2 transfer".
[[nodiscard]] std::string to_string(const QueueFamilies& queues);

}  // namespace rlx::vulkan
