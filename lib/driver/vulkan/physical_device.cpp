#include "lib/driver/vulkan/physical_device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <tuple>

#include "lib/base/fnv.hpp"
#include "lib/driver/vulkan/kernels/kernel_device.hpp"

namespace rlx::vulkan {
namespace {

std::vector<std::string> extensions_of(const InstanceFunctions& functions,
                                       VkPhysicalDevice device) {
  std::uint32_t count = 0;
  check(functions.vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr),
        "vkEnumerateDeviceExtensionProperties");
  std::vector<VkExtensionProperties> found(count);
  check(functions.vkEnumerateDeviceExtensionProperties(device, nullptr, &count, found.data()),
        "vkEnumerateDeviceExtensionProperties");
  std::vector<std::string> names;
  for (const VkExtensionProperties& extension : found) names.push_back(extension.extensionName);
  return names;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Structures to be filled are chained one after the other.
struct Chain {
  void** end;
  template <class Structure>
  void add(Structure& structure) {
    *end = &structure;
    end = &structure.pNext;
  }
};

bool has_what_is_needed(const InstanceFunctions& functions, VkPhysicalDevice device) {
  VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
  functions.vkGetPhysicalDeviceProperties2(device, &properties);
  if (properties.properties.apiVersion < VK_API_VERSION_1_2) return false;
  VkPhysicalDeviceVulkan12Features features{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceFeatures2 all{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                .pNext = &features};
  functions.vkGetPhysicalDeviceFeatures2(device, &all);
  return features.timelineSemaphore == VK_TRUE && features.bufferDeviceAddress == VK_TRUE;
}

// The compute family that draws nothing where there is one: its queues are not shared with a
// screen.
bool find_queues(const InstanceFunctions& functions, PhysicalDevice& device) {
  std::uint32_t count = 0;
  functions.vkGetPhysicalDeviceQueueFamilyProperties(device.handle, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  functions.vkGetPhysicalDeviceQueueFamilyProperties(device.handle, &count, families.data());
  constexpr VkQueueFlags kTransferOnly = VK_QUEUE_TRANSFER_BIT | VK_QUEUE_SPARSE_BINDING_BIT;
  bool computes = false;
  bool draws = false;
  for (std::uint32_t f = 0; f < count; ++f) {
    const VkQueueFlags flags = families[f].queueFlags;
    if (families[f].queueCount == 0) continue;
    if ((flags & VK_QUEUE_COMPUTE_BIT) != 0 &&
        (!computes || (draws && (flags & VK_QUEUE_GRAPHICS_BIT) == 0))) {
      computes = true;
      draws = (flags & VK_QUEUE_GRAPHICS_BIT) != 0;
      device.queues.compute = f;
    }
    if ((flags & VK_QUEUE_TRANSFER_BIT) != 0 && (flags & ~kTransferOnly) == 0 &&
        device.queues.transfer_queues == 0) {
      device.queues.transfer = f;
      device.queues.transfer_queues = std::min(families[f].queueCount, 2U);
    }
  }
  if (device.queues.transfer_queues == 0) device.queues.transfer = device.queues.compute;
  return computes;
}

void describe_memory(const InstanceFunctions& functions, PhysicalDevice& device) {
  VkPhysicalDeviceMemoryProperties2 memory{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
  functions.vkGetPhysicalDeviceMemoryProperties2(device.handle, &memory);
  device.memory = memory.memoryProperties;
  for (std::uint32_t h = 0; h < device.memory.memoryHeapCount; ++h) {
    const VkMemoryHeap& heap = device.memory.memoryHeaps[h];
    if ((heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0) {
      device.memory_bytes = std::max<std::uint64_t>(device.memory_bytes, heap.size);
    }
  }
}

/// Of device and driver: 64 bits of what tells them apart, not 0.
std::uint64_t identity_of(const VkPhysicalDeviceIDProperties& id) {
  return detail::fnv1a(id.driverUUID, detail::fnv1a(id.deviceUUID)) | 1;
}

void describe(const InstanceFunctions& functions, PhysicalDevice& device) {
  const std::vector<std::string> extensions = extensions_of(functions, device.handle);
  VkPhysicalDeviceProperties2 all{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
  VkPhysicalDeviceIDProperties id{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
  VkPhysicalDeviceDriverProperties driver{.sType =
                                              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
  VkPhysicalDeviceMaintenance3Properties limits{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES};
  VkPhysicalDeviceMaintenance4Properties buffers{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES,
      .maxBufferSize = UINT64_MAX};
  VkPhysicalDeviceExternalMemoryHostPropertiesEXT import{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
  VkPhysicalDevicePCIBusInfoPropertiesEXT pci{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT};
  VkPhysicalDeviceShaderSMBuiltinsPropertiesNV units{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV};
  device.float_controls.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES;

  Chain chain{&all.pNext};
  chain.add(id);
  chain.add(driver);
  chain.add(limits);
  chain.add(device.float_controls);
  device.host_import = contains(extensions, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
  device.memory_fd = contains(extensions, VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME);
  device.memory_budget = contains(extensions, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  device.has_pci = contains(extensions, VK_EXT_PCI_BUS_INFO_EXTENSION_NAME);
  if (device.host_import) chain.add(import);
  if (device.has_pci) chain.add(pci);
  if (device.properties.apiVersion >= VK_API_VERSION_1_3) chain.add(buffers);
  if (contains(extensions, VK_NV_SHADER_SM_BUILTINS_EXTENSION_NAME)) chain.add(units);
  functions.vkGetPhysicalDeviceProperties2(device.handle, &all);
  device.float_controls.pNext = nullptr;

  device.properties = all.properties;
  const std::uint32_t version = device.properties.apiVersion;
  device.driver = fmt::format("{} {}, Vulkan {}.{}.{}", driver.driverName, driver.driverInfo,
                              VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version),
                              VK_API_VERSION_PATCH(version));
  std::memcpy(device.uuid.data(), id.deviceUUID, VK_UUID_SIZE);
  device.identity = identity_of(id);
  device.pci = {pci.pciDomain, pci.pciBus, pci.pciDevice, pci.pciFunction};
  device.import_alignment = import.minImportedHostPointerAlignment;
  device.most_allocation = limits.maxMemoryAllocationSize;
  device.most_buffer = buffers.maxBufferSize;
  device.compute_units = units.shaderSMCount;
}

int rank_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 0;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 1;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return 4;
    default:
      return 3;
  }
}

}  // namespace

std::string to_string(const PciAddress& address) {
  return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", address.domain, address.bus, address.device,
                     address.function);
}

std::string to_string(const QueueFamilies& queues) {
  return fmt::format("1 compute, {} transfer", queues.transfer_queues);
}

std::vector<PhysicalDevice> physical_devices(const InstanceFunctions& functions,
                                             VkInstance instance) {
  std::uint32_t count = 0;
  check(functions.vkEnumeratePhysicalDevices(instance, &count, nullptr),
        "vkEnumeratePhysicalDevices");
  std::vector<VkPhysicalDevice> handles(count);
  check(functions.vkEnumeratePhysicalDevices(instance, &count, handles.data()),
        "vkEnumeratePhysicalDevices");
  handles.resize(count);
  std::vector<PhysicalDevice> devices;
  for (const VkPhysicalDevice handle : handles) {
    if (!has_what_is_needed(functions, handle)) continue;
    PhysicalDevice device;
    device.handle = handle;
    VkPhysicalDeviceProperties2 core{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    functions.vkGetPhysicalDeviceProperties2(handle, &core);
    device.properties = core.properties;
    if (!find_queues(functions, device)) continue;
    describe(functions, device);
    describe_memory(functions, device);
    devices.push_back(std::move(device));
  }
  std::stable_sort(devices.begin(), devices.end(), [](const auto& left, const auto& right) {
    return std::tuple(rank_of(left.properties.deviceType), left.pci) <
           std::tuple(rank_of(right.properties.deviceType), right.pci);
  });
  return devices;
}

}  // namespace rlx::vulkan
