#include "tools/kernels/open_device.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace rlx::vulkan {
namespace {

constexpr const char* kLayer = "VK_LAYER_KHRONOS_validation";

VkBool32 VKAPI_PTR collect(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                           const VkDebugUtilsMessengerCallbackDataEXT* data, void* messages) {
  static_cast<std::vector<std::string>*>(messages)->emplace_back(data->pMessage);
  return VK_FALSE;
}

}  // namespace

std::unique_ptr<OpenDevice> OpenDevice::open(bool validate, std::string& absence) {
  std::unique_ptr<OpenDevice> device(new OpenDevice);
  device->loader_ = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
  if (device->loader_ == nullptr) {
    absence = "this machine has no Vulkan loader (libvulkan.so.1)";
    return nullptr;
  }
  if (!device->find_functions(device->loader_) || !device->create_instance(validate) ||
      !device->choose_device() || !device->create_device()) {
    absence = "the Vulkan loader finds no device of version 1.2 with buffer addresses";
    return nullptr;
  }
  return device;
}

OpenDevice::~OpenDevice() {
  if (kernel_device_.handle != VK_NULL_HANDLE) {
    functions_.vkDestroyCommandPool(kernel_device_.handle, pool_, nullptr);
    functions_.vkDestroyDevice(kernel_device_.handle, nullptr);
  }
  if (messenger_ != VK_NULL_HANDLE) {
    instance_functions_.vkDestroyDebugUtilsMessengerEXT(instance_, messenger_, nullptr);
  }
  if (instance_ != VK_NULL_HANDLE) instance_functions_.vkDestroyInstance(instance_, nullptr);
  // The loader stays: layers and drivers have threads of their own.
}

bool OpenDevice::find_functions(void* loader) {
  global_.vkGetInstanceProcAddr =
      reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(loader, "vkGetInstanceProcAddr"));
  if (global_.vkGetInstanceProcAddr == nullptr) return false;
#define RLX_FIND(name) \
  global_.name = reinterpret_cast<PFN_##name>(global_.vkGetInstanceProcAddr(VK_NULL_HANDLE, #name));
  RLX_VULKAN_GLOBAL_FUNCTIONS(RLX_FIND)
#undef RLX_FIND
  return global_.vkCreateInstance != nullptr;
}

bool OpenDevice::create_instance(bool validate) {
  std::uint32_t count = 0;
  global_.vkEnumerateInstanceLayerProperties(&count, nullptr);
  std::vector<VkLayerProperties> layers(count);
  global_.vkEnumerateInstanceLayerProperties(&count, layers.data());
  validated_ = validate && std::ranges::any_of(layers, [](const VkLayerProperties& layer) {
                 return std::strcmp(layer.layerName, kLayer) == 0;
               });
  const char* const extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
  const VkApplicationInfo application{.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                      .apiVersion = VK_API_VERSION_1_2};
  const VkInstanceCreateInfo info{.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                  .pApplicationInfo = &application,
                                  .enabledLayerCount = validated_ ? 1U : 0U,
                                  .ppEnabledLayerNames = &kLayer,
                                  .enabledExtensionCount = validated_ ? 1U : 0U,
                                  .ppEnabledExtensionNames = &extension};
  const VkResult created = global_.vkCreateInstance(&info, nullptr, &instance_);
  if (created == VK_ERROR_INCOMPATIBLE_DRIVER) return false;  // there is no driver
  check(created, "vkCreateInstance");
#define RLX_FIND(name)       \
  instance_functions_.name = \
      reinterpret_cast<PFN_##name>(global_.vkGetInstanceProcAddr(instance_, #name));
  RLX_VULKAN_INSTANCE_FUNCTIONS(RLX_FIND)
  RLX_VULKAN_OPTIONAL_INSTANCE_FUNCTIONS(RLX_FIND)
#undef RLX_FIND
  if (!validated_) return true;
  const VkDebugUtilsMessengerCreateInfoEXT messenger{
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
      .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                         VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
      .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                     VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT,
      .pfnUserCallback = collect,
      .pUserData = &messages_};
  check(instance_functions_.vkCreateDebugUtilsMessengerEXT(instance_, &messenger, nullptr,
                                                           &messenger_),
        "vkCreateDebugUtilsMessengerEXT");
  return true;
}

bool OpenDevice::choose_device() {
  const InstanceFunctions& vk = instance_functions_;
  std::uint32_t count = 0;
  vk.vkEnumeratePhysicalDevices(instance_, &count, nullptr);
  std::vector<VkPhysicalDevice> devices(count);
  vk.vkEnumeratePhysicalDevices(instance_, &count, devices.data());
  bool discrete = false;
  for (VkPhysicalDevice device : devices) {
    VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    vk.vkGetPhysicalDeviceProperties2(device, &properties);
    const bool card = properties.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    if (properties.properties.apiVersion < VK_API_VERSION_1_2) continue;
    if (physical_ == VK_NULL_HANDLE || (card && !discrete)) physical_ = device;
    discrete = discrete || card;
  }
  return physical_ != VK_NULL_HANDLE;
}

bool OpenDevice::create_device() {
  const InstanceFunctions& vk = instance_functions_;
  VkPhysicalDeviceFloatControlsProperties controls{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES};
  VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                         .pNext = &controls};
  vk.vkGetPhysicalDeviceProperties2(physical_, &properties);
  name_ = properties.properties.deviceName;
  VkPhysicalDeviceVulkan12Features has12{.sType =
                                             VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceFeatures2 has{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                .pNext = &has12};
  vk.vkGetPhysicalDeviceFeatures2(physical_, &has);
  if (has12.bufferDeviceAddress == 0) return false;

  VkPhysicalDeviceVulkan12Features enable12{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
      .storageBuffer8BitAccess = has12.storageBuffer8BitAccess,
      .bufferDeviceAddress = VK_TRUE};
  VkPhysicalDeviceFeatures2 enable{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                   .pNext = &enable12};
  enable.features.shaderInt64 = has.features.shaderInt64;
  enable.features.shaderFloat64 = has.features.shaderFloat64;

  std::uint32_t count = 0;
  vk.vkGetPhysicalDeviceQueueFamilyProperties(physical_, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vk.vkGetPhysicalDeviceQueueFamilyProperties(physical_, &count, families.data());
  const auto family = std::ranges::find_if(families, [](const VkQueueFamilyProperties& queue) {
    return (queue.queueFlags & VK_QUEUE_COMPUTE_BIT) != 0;
  });
  if (family == families.end()) return false;
  family_ = static_cast<std::uint32_t>(family - families.begin());
  const float priority = 1;
  const VkDeviceQueueCreateInfo queue{.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                      .queueFamilyIndex = family_,
                                      .queueCount = 1,
                                      .pQueuePriorities = &priority};
  const VkDeviceCreateInfo info{.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                .pNext = &enable,
                                .queueCreateInfoCount = 1,
                                .pQueueCreateInfos = &queue};
  VkDevice handle = VK_NULL_HANDLE;
  check(vk.vkCreateDevice(physical_, &info, nullptr, &handle), "vkCreateDevice");
#define RLX_FIND(name) \
  functions_.name = reinterpret_cast<PFN_##name>(vk.vkGetDeviceProcAddr(handle, #name));
  RLX_VULKAN_DEVICE_FUNCTIONS(RLX_FIND)
#undef RLX_FIND
  VkPhysicalDeviceMemoryProperties2 memory{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
  vk.vkGetPhysicalDeviceMemoryProperties2(physical_, &memory);
  kernel_device_ = {.handle = handle,
                    .functions = &functions_,
                    .limits = properties.properties.limits,
                    .buffer_device_address = true,
                    .storage_8bit = enable12.storageBuffer8BitAccess != 0,
                    .int64 = enable.features.shaderInt64 != 0,
                    .float64 = enable.features.shaderFloat64 != 0,
                    .float_controls = controls,
                    .memory = memory.memoryProperties};
  functions_.vkGetDeviceQueue(handle, family_, 0, &queue_);
  const VkCommandPoolCreateInfo pool{.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                     .queueFamilyIndex = family_};
  check(functions_.vkCreateCommandPool(handle, &pool, nullptr, &pool_), "vkCreateCommandPool");
  return true;
}

Memory OpenDevice::allocate(std::size_t bytes, VkMemoryPropertyFlags flags) const {
  VkDevice device = kernel_device_.handle;
  Memory result{.bytes = bytes};
  const VkBufferCreateInfo buffer{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                  .size = bytes,
                                  .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                           VK_BUFFER_USAGE_TRANSFER_DST_BIT |
                                           VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT};
  check(functions_.vkCreateBuffer(device, &buffer, nullptr, &result.buffer), "vkCreateBuffer");
  VkMemoryRequirements needs;
  functions_.vkGetBufferMemoryRequirements(device, result.buffer, &needs);
  std::uint32_t type = 0;
  const VkPhysicalDeviceMemoryProperties& memory = kernel_device_.memory;
  while (type < memory.memoryTypeCount &&
         ((needs.memoryTypeBits >> type & 1) == 0 ||
          (memory.memoryTypes[type].propertyFlags & flags) != flags)) {
    ++type;
  }
  if (type == memory.memoryTypeCount) throw std::runtime_error("no memory of this kind");
  const VkMemoryAllocateFlagsInfo address{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                          .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
  const VkMemoryAllocateInfo allocate{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                      .pNext = &address,
                                      .allocationSize = needs.size,
                                      .memoryTypeIndex = type};
  check(functions_.vkAllocateMemory(device, &allocate, nullptr, &result.memory),
        "vkAllocateMemory");
  check(functions_.vkBindBufferMemory(device, result.buffer, result.memory, 0),
        "vkBindBufferMemory");
  const VkBufferDeviceAddressInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                       .buffer = result.buffer};
  result.address = functions_.vkGetBufferDeviceAddress(device, &info);
  if ((flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0) {
    void* data = nullptr;
    check(functions_.vkMapMemory(device, result.memory, 0, VK_WHOLE_SIZE, 0, &data), "vkMapMemory");
    result.data = static_cast<std::byte*>(data);
  }
  return result;
}

void OpenDevice::free(const Memory& memory) const {
  functions_.vkDestroyBuffer(kernel_device_.handle, memory.buffer, nullptr);
  functions_.vkFreeMemory(kernel_device_.handle, memory.memory, nullptr);
}

void OpenDevice::run(const std::function<void(VkCommandBuffer)>& record, int times) const {
  VkDevice device = kernel_device_.handle;
  const VkCommandBufferAllocateInfo allocate{
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = pool_,
      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      .commandBufferCount = 1};
  VkCommandBuffer commands = VK_NULL_HANDLE;
  check(functions_.vkAllocateCommandBuffers(device, &allocate, &commands),
        "vkAllocateCommandBuffers");
  const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  check(functions_.vkBeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer");
  record(commands);
  const VkMemoryBarrier barrier{
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
  functions_.vkCmdPipelineBarrier(
      commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
      VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, nullptr, 0, nullptr);
  check(functions_.vkEndCommandBuffer(commands), "vkEndCommandBuffer");
  const VkSubmitInfo submit{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                            .commandBufferCount = 1,
                            .pCommandBuffers = &commands};
  for (int i = 0; i < times; ++i) {
    check(functions_.vkQueueSubmit(queue_, 1, &submit, VK_NULL_HANDLE), "vkQueueSubmit");
    check(functions_.vkDeviceWaitIdle(device), "vkDeviceWaitIdle");
  }
  functions_.vkFreeCommandBuffers(device, pool_, 1, &commands);
}

}  // namespace rlx::vulkan
