#include "lib/driver/vulkan/instance.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <mutex>

#include "lib/base/log.hpp"
#include "lib/driver/vulkan/hooks.hpp"
#include "lib/driver/vulkan/kernels/kernel_device.hpp"

namespace rlx::vulkan {
namespace {

constexpr const char* kLoader = "libvulkan.so.1";
constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";

// Never closed: drivers leave threads and handlers behind that point into it.
void load(Instance& instance) {
  void* const library = dlopen(kLoader, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const why = dlerror();
    instance.reason = fmt::format("{} is not installed or can not be loaded ({})", kLoader,
                                  why == nullptr ? "no reason given" : why);
    return;
  }
  GlobalFunctions& global = instance.global;
  global.vkGetInstanceProcAddr =
      reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
  if (global.vkGetInstanceProcAddr == nullptr) {
    instance.reason = fmt::format("{} has no vkGetInstanceProcAddr", kLoader);
    return;
  }
#define RLX_VULKAN_FIND(name) \
  global.name = reinterpret_cast<PFN_##name>(global.vkGetInstanceProcAddr(nullptr, #name));
  RLX_VULKAN_GLOBAL_FUNCTIONS(RLX_VULKAN_FIND)
#undef RLX_VULKAN_FIND
  std::uint32_t version = VK_API_VERSION_1_0;
  if (global.vkCreateInstance == nullptr || global.vkEnumerateInstanceVersion == nullptr ||
      global.vkEnumerateInstanceVersion(&version) != VK_SUCCESS || version < VK_API_VERSION_1_2) {
    instance.reason = fmt::format("{} is older than Vulkan 1.2", kLoader);
  }
}

void find_functions(Instance& instance) {
#define RLX_VULKAN_FIND(name) \
  instance.functions.name =   \
      reinterpret_cast<PFN_##name>(instance.global.vkGetInstanceProcAddr(instance.handle, #name));
  RLX_VULKAN_INSTANCE_FUNCTIONS(RLX_VULKAN_FIND)
  RLX_VULKAN_OPTIONAL_INSTANCE_FUNCTIONS(RLX_VULKAN_FIND)
#undef RLX_VULKAN_FIND
}

bool has_layer(const GlobalFunctions& global) {
  std::uint32_t count = 0;
  if (global.vkEnumerateInstanceLayerProperties(&count, nullptr) != VK_SUCCESS) return false;
  std::vector<VkLayerProperties> layers(count);
  if (global.vkEnumerateInstanceLayerProperties(&count, layers.data()) < 0) return false;
  for (const VkLayerProperties& layer : layers) {
    if (std::strcmp(layer.layerName, kValidationLayer) == 0) return true;
  }
  return false;
}

VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                          VkDebugUtilsMessageTypeFlagsEXT,
                                          const VkDebugUtilsMessengerCallbackDataEXT* data, void*) {
  hooks().validation_messages.fetch_add(1);
  const bool error = severity >= VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  log::write(error ? log::Level::error : log::Level::warn, data->pMessage);
  return VK_FALSE;
}

constexpr VkDebugUtilsMessengerCreateInfoEXT kMessenger{
    .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
    .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                       VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
    .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
    .pfnUserCallback = on_message};

void create(Instance& instance) {
  const VkApplicationInfo application{.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                      .pApplicationName = "rlx",
                                      .pEngineName = "rlx",
                                      .apiVersion = VK_API_VERSION_1_3};
  VkInstanceCreateInfo info{.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                            .pApplicationInfo = &application};
  constexpr std::array<const char*, 2> kExtensions{VK_EXT_DEBUG_UTILS_EXTENSION_NAME,
                                                   VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME};
  constexpr VkValidationFeatureEnableEXT kSynchronisation =
      VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
  const VkValidationFeaturesEXT features{.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
                                         .enabledValidationFeatureCount = 1,
                                         .pEnabledValidationFeatures = &kSynchronisation};
  instance.validated = hooks().validation && has_layer(instance.global);
  if (instance.validated) {
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = &kValidationLayer;
    info.pNext = &features;
    info.enabledExtensionCount = kExtensions.size();
    info.ppEnabledExtensionNames = kExtensions.data();
  }
  const VkResult result = instance.global.vkCreateInstance(&info, nullptr, &instance.handle);
  if (result != VK_SUCCESS) {
    instance.handle = VK_NULL_HANDLE;
    instance.reason =
        fmt::format("vkCreateInstance says {}{}", name_of(result),
                    result == VK_ERROR_INCOMPATIBLE_DRIVER
                        ? ": no Vulkan driver (ICD), such as the GPU vendor's, is installed and "
                          "works here; VK_LOADER_DEBUG=all shows what the loader tried"
                        : "");
    return;
  }
  find_functions(instance);
  if (instance.validated && instance.functions.vkCreateDebugUtilsMessengerEXT != nullptr) {
    VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;
    check(instance.functions.vkCreateDebugUtilsMessengerEXT(instance.handle, &kMessenger, nullptr,
                                                            &messenger),
          "vkCreateDebugUtilsMessengerEXT");
  }
}

void find_devices(Instance& instance) {
  instance.devices = physical_devices(instance.functions, instance.handle);
  if (instance.devices.empty()) {
    instance.reason =
        "no driver offers a device with Vulkan 1.2, timeline semaphores and buffer device "
        "addresses";
  }
}

Instance* make_instance() {
  auto* const instance = new Instance;
  if (hooks().no_loader) {
    instance->reason = fmt::format("{} is not installed", kLoader);
    return instance;
  }
  try {
    load(*instance);
    if (instance->reason.empty()) create(*instance);
    if (instance->reason.empty()) find_devices(*instance);
  } catch (const std::exception& error) {
    instance->reason = error.what();
    instance->devices.clear();
  }
  return instance;
}

}  // namespace

const Instance& instance() {
  static std::mutex mutex;
  static std::uint64_t made_in = 0;
  static const Instance* made = nullptr;  // those of earlier generations are left as they are
  const std::lock_guard lock(mutex);
  if (made == nullptr || made_in != generation()) {
    made = make_instance();
    made_in = generation();
  }
  return *made;
}

}  // namespace rlx::vulkan
