#pragma once
// Vulkan's functions, found at run time in the loader of this machine: nothing links against it,
// and a machine without it only has no Vulkan devices.

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

namespace rlx::vulkan {

// clang-format off
#define RLX_VULKAN_GLOBAL_FUNCTIONS(X)                                                            \
  X(vkCreateInstance) X(vkEnumerateInstanceVersion) X(vkEnumerateInstanceLayerProperties)          \
  X(vkEnumerateInstanceExtensionProperties)

#define RLX_VULKAN_INSTANCE_FUNCTIONS(X)                                                          \
  X(vkDestroyInstance) X(vkEnumeratePhysicalDevices) X(vkGetPhysicalDeviceProperties2)             \
  X(vkGetPhysicalDeviceFeatures2) X(vkGetPhysicalDeviceMemoryProperties2)                          \
  X(vkGetPhysicalDeviceQueueFamilyProperties) X(vkEnumerateDeviceExtensionProperties)              \
  X(vkCreateDevice) X(vkGetDeviceProcAddr)

#define RLX_VULKAN_OPTIONAL_INSTANCE_FUNCTIONS(X)                                                 \
  X(vkCreateDebugUtilsMessengerEXT) X(vkDestroyDebugUtilsMessengerEXT)

#define RLX_VULKAN_DEVICE_FUNCTIONS(X)                                                            \
  X(vkDestroyDevice) X(vkDeviceWaitIdle) X(vkGetDeviceQueue) X(vkQueueSubmit)                      \
  X(vkAllocateMemory) X(vkFreeMemory) X(vkMapMemory) X(vkUnmapMemory)                              \
  X(vkCreateBuffer) X(vkDestroyBuffer) X(vkBindBufferMemory) X(vkGetBufferMemoryRequirements)      \
  X(vkGetBufferDeviceAddress)                                                                      \
  X(vkCreateCommandPool) X(vkDestroyCommandPool) X(vkResetCommandPool)                             \
  X(vkAllocateCommandBuffers) X(vkFreeCommandBuffers) X(vkBeginCommandBuffer)                      \
  X(vkEndCommandBuffer) X(vkResetCommandBuffer)                                                    \
  X(vkCmdCopyBuffer) X(vkCmdUpdateBuffer) X(vkCmdFillBuffer) X(vkCmdPipelineBarrier)               \
  X(vkCmdDispatch)                                                                                 \
  X(vkCmdBindPipeline) X(vkCmdBindDescriptorSets) X(vkCmdPushConstants)                            \
  X(vkCreateSemaphore) X(vkDestroySemaphore) X(vkGetSemaphoreCounterValue) X(vkWaitSemaphores)     \
  X(vkCreateShaderModule) X(vkDestroyShaderModule) X(vkCreatePipelineLayout)                       \
  X(vkDestroyPipelineLayout) X(vkCreateComputePipelines) X(vkDestroyPipeline)                      \
  X(vkCreatePipelineCache) X(vkDestroyPipelineCache) X(vkGetPipelineCacheData)                     \
  X(vkCreateDescriptorSetLayout) X(vkDestroyDescriptorSetLayout) X(vkCreateDescriptorPool)         \
  X(vkDestroyDescriptorPool) X(vkAllocateDescriptorSets) X(vkUpdateDescriptorSets)

#define RLX_VULKAN_OPTIONAL_DEVICE_FUNCTIONS(X)                                                   \
  X(vkGetMemoryHostPointerPropertiesEXT) X(vkGetMemoryFdKHR)
// clang-format on

/// Null until found. Members have the functions' own names.
struct GlobalFunctions {
  PFN_vkGetInstanceProcAddr vkGetInstanceProcAddr = nullptr;
#define RLX_VULKAN_MEMBER(name) PFN_##name name = nullptr;
  RLX_VULKAN_GLOBAL_FUNCTIONS(RLX_VULKAN_MEMBER)
};

struct InstanceFunctions {
  RLX_VULKAN_INSTANCE_FUNCTIONS(RLX_VULKAN_MEMBER)
  RLX_VULKAN_OPTIONAL_INSTANCE_FUNCTIONS(RLX_VULKAN_MEMBER)
};

struct DeviceFunctions {
  RLX_VULKAN_DEVICE_FUNCTIONS(RLX_VULKAN_MEMBER)
  RLX_VULKAN_OPTIONAL_DEVICE_FUNCTIONS(RLX_VULKAN_MEMBER)
#undef RLX_VULKAN_MEMBER
};

}  // namespace rlx::vulkan
