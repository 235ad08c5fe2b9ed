#include "lib/driver/vulkan/gpu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/driver/vulkan/hooks.hpp"
#include "rlx/error.hpp"

namespace rlx::vulkan {
namespace {

// Only what kernels use; the rest stays off.
struct Features {
  VkPhysicalDeviceFeatures2 core{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  VkPhysicalDeviceVulkan11Features v11{.sType =
                                           VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  VkPhysicalDeviceVulkan12Features v12{.sType =
                                           VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};

  void link() {
    core.pNext = &v11;
    v11.pNext = &v12;
  }
};

void choose_features(const Features& offered, Features& wanted, KernelDevice& kernels) {
  wanted.core.features.shaderInt16 = offered.core.features.shaderInt16;
  wanted.core.features.shaderInt64 = offered.core.features.shaderInt64;
  wanted.core.features.shaderFloat64 = offered.core.features.shaderFloat64;
  wanted.v11.storageBuffer16BitAccess = offered.v11.storageBuffer16BitAccess;
  wanted.v12.storageBuffer8BitAccess = offered.v12.storageBuffer8BitAccess;
  wanted.v12.shaderInt8 = offered.v12.shaderInt8;
  wanted.v12.timelineSemaphore = VK_TRUE;
  wanted.v12.bufferDeviceAddress = VK_TRUE;
  kernels.buffer_device_address = true;
  kernels.storage_8bit = wanted.v12.storageBuffer8BitAccess == VK_TRUE;
  kernels.storage_16bit = wanted.v11.storageBuffer16BitAccess == VK_TRUE;
  kernels.int8 = wanted.v12.shaderInt8 == VK_TRUE;
  kernels.int16 = wanted.core.features.shaderInt16 == VK_TRUE;
  kernels.int64 = wanted.core.features.shaderInt64 == VK_TRUE;
  kernels.float64 = wanted.core.features.shaderFloat64 == VK_TRUE;
}

std::string device_name(const PhysicalDevice& physical, std::uint32_t index) {
  return fmt::format("vulkan:{} ({})", index, physical.properties.deviceName);
}

}  // namespace

LogicalDevice::LogicalDevice(const Instance& instance, const PhysicalDevice& physical) {
  create(instance, physical);
  find_functions(instance, physical);
  kernels.handle = handle;
  kernels.functions = &functions;
  kernels.limits = physical.properties.limits;
  kernels.float_controls = physical.float_controls;
  kernels.memory = physical.memory;
}

LogicalDevice::~LogicalDevice() { functions.vkDestroyDevice(handle, nullptr); }

void LogicalDevice::create(const Instance& instance, const PhysicalDevice& physical) {
  Features offered;
  offered.link();
  instance.functions.vkGetPhysicalDeviceFeatures2(physical.handle, &offered.core);
  Features wanted;
  wanted.link();
  choose_features(offered, wanted, kernels);

  constexpr std::array<float, 2> kPriorities{1.0F, 1.0F};
  std::array<VkDeviceQueueCreateInfo, 2> queues{};
  queues[0] = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
               .queueFamilyIndex = physical.queues.compute,
               .queueCount = 1,
               .pQueuePriorities = kPriorities.data()};
  queues[1] = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
               .queueFamilyIndex = physical.queues.transfer,
               .queueCount = physical.queues.transfer_queues,
               .pQueuePriorities = kPriorities.data()};
  std::vector<const char*> extensions;
  if (physical.host_import) extensions.push_back(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
  if (physical.memory_fd) extensions.push_back(VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME);
  const VkDeviceCreateInfo info{
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &wanted.core,
      .queueCreateInfoCount = physical.queues.transfer_queues == 0 ? 1U : 2U,
      .pQueueCreateInfos = queues.data(),
      .enabledExtensionCount = static_cast<std::uint32_t>(extensions.size()),
      .ppEnabledExtensionNames = extensions.data()};
  check(instance.functions.vkCreateDevice(physical.handle, &info, nullptr, &handle),
        fmt::format("vkCreateDevice for {}", physical.properties.deviceName).c_str());
}

void LogicalDevice::find_functions(const Instance& instance, const PhysicalDevice& physical) {
  const char* missing = nullptr;
#define RLX_VULKAN_FIND(name) \
  functions.name =            \
      reinterpret_cast<PFN_##name>(instance.functions.vkGetDeviceProcAddr(handle, #name));
#define RLX_VULKAN_DEMAND(name) \
  RLX_VULKAN_FIND(name)         \
  if (functions.name == nullptr) missing = #name;
  RLX_VULKAN_DEVICE_FUNCTIONS(RLX_VULKAN_DEMAND)
  RLX_VULKAN_OPTIONAL_DEVICE_FUNCTIONS(RLX_VULKAN_FIND)
#undef RLX_VULKAN_DEMAND
#undef RLX_VULKAN_FIND
  if (missing == nullptr) return;
  if (functions.vkDestroyDevice != nullptr) functions.vkDestroyDevice(handle, nullptr);
  throw CollectiveError(ErrorKind::Device, "Device",
                        fmt::format("the driver of {} ({}) lacks {}; install a newer one",
                                    physical.properties.deviceName, physical.driver, missing));
}

Gpu::Gpu(const Instance& instance, std::uint32_t index)
    : instance_(instance),
      physical_(instance.devices.at(index)),
      name_(device_name(physical_, index)),
      generation_(vulkan::generation()),
      logical_(instance, physical_),
      cache_(logical_.handle, logical_.functions, physical_.properties) {
  const QueueFamilies& families = physical_.queues;
  const auto add = [&](std::uint32_t family, std::uint32_t which, bool computes) {
    Queue queue{VK_NULL_HANDLE, family, computes};
    functions().vkGetDeviceQueue(device(), family, which, &queue.handle);
    queues_.push_back(queue);
  };
  add(families.compute, 0, true);
  for (std::uint32_t q = 0; q < families.transfer_queues; ++q) add(families.transfer, q, false);
  if (families.transfer_queues > 0) return;
  for (std::uint32_t q = 0; q < hooks().transfer_queues; ++q) add(families.compute, 0, false);
}

bool Gpu::usable() const noexcept { return generation_ == vulkan::generation(); }

KernelDevice Gpu::kernel_device() const {
  KernelDevice kernels = logical_.kernels;
  kernels.pipeline_cache = cache_.handle();
  return kernels;
}

std::uint32_t Gpu::memory_type(std::uint32_t allowed, VkMemoryPropertyFlags wanted) const noexcept {
  for (std::uint32_t t = 0; t < physical_.memory.memoryTypeCount; ++t) {
    if ((allowed >> t & 1) == 0) continue;
    if ((physical_.memory.memoryTypes[t].propertyFlags & wanted) == wanted) return t;
  }
  return UINT32_MAX;
}

HeapRoom Gpu::room_of_type(std::uint32_t type) const {
  const std::uint32_t heap = physical_.memory.memoryTypes[type].heapIndex;
  const std::uint64_t bytes = physical_.memory.memoryHeaps[heap].size;
  const std::uint64_t used = allocated.load();
  HeapRoom room{bytes, bytes > used ? bytes - used : 0};
  if (physical_.memory_budget) {
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    VkPhysicalDeviceMemoryProperties2 memory{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2, .pNext = &budget};
    instance_.functions.vkGetPhysicalDeviceMemoryProperties2(physical_.handle, &memory);
    const std::uint64_t most = budget.heapBudget[heap];
    const std::uint64_t taken = budget.heapUsage[heap];
    room.free = most > taken ? most - taken : 0;
  }
  const std::uint64_t pretended = hooks().most_device_bytes;
  room.free = std::min(room.free, pretended > used ? pretended - used : 0);
  return room;
}

}  // namespace rlx::vulkan
