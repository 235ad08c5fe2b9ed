#include "lib/driver/vulkan/vulkan_device.hpp"

#include <fmt/format.h>

#include <fstream>

#include "lib/driver/vulkan/hooks.hpp"
#include "lib/driver/vulkan/instance.hpp"
#include "lib/driver/vulkan/memory.hpp"
#include "lib/driver/vulkan/open_device.hpp"
#include "lib/driver/vulkan/vulkan_stream.hpp"

namespace rlx::vulkan {

std::uint32_t count() { return static_cast<std::uint32_t>(instance().devices.size()); }

std::string absence() { return instance().reason; }

DeviceLocation location(std::uint32_t index) {
  const PhysicalDevice& device = instance().devices.at(index);
  DeviceLocation location;
  location.processor = device.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  if (device.has_pci) {
    std::ifstream file(fmt::format("/sys/bus/pci/devices/{}/numa_node", to_string(device.pci)));
    if (!(file >> location.numa_node)) location.numa_node = -1;
  }
  location.identity = device.identity;
  return location;
}

DeviceProperties properties(std::uint32_t index) {
  const PhysicalDevice& device = instance().devices.at(index);
  return {.description = device.properties.deviceName,
          .driver = device.driver,
          .memory_bytes = device.memory_bytes,
          .compute_units = device.compute_units,
          .host_addressable = false,
          .host_import = device.host_import && !hooks().no_host_import,
          .queues = to_string(device.queues)};
}

std::unique_ptr<detail::DeviceMemory> allocate(std::uint32_t index, std::size_t bytes) {
  return std::make_unique<VulkanMemory>(open_device(index), bytes);
}

Compute& compute(std::uint32_t index) { return open_device(index).compute; }

std::unique_ptr<HostImport> import_host(std::uint32_t index, std::span<std::byte> pages) {
  OpenDevice& device = open_device(index);
  return device.imports.import(device.gpu, device.compute, pages);
}

std::unique_ptr<CommandStream> stream(std::uint32_t index) {
  return std::make_unique<VulkanStream>(open_device(index), index);
}

SharedDeviceMemory allocate_shared(std::uint32_t index, std::size_t bytes) {
  OpenDevice& device = open_device(index);
  SharedDeviceMemory shared;
  if (!VulkanMemory::shareable(device, bytes)) return shared;
  shared.memory = std::make_unique<VulkanMemory>(device, bytes, shared.handle);
  return shared;
}

std::unique_ptr<detail::DeviceMemory> open_shared(std::uint32_t index, detail::Descriptor handle,
                                                  std::size_t bytes) {
  return std::make_unique<VulkanMemory>(open_device(index), std::move(handle), bytes);
}

}  // namespace rlx::vulkan
