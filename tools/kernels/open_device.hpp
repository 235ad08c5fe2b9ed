#pragma once
// A Vulkan device for measurements and tests of the kernels alone, without anything of rlx::Device.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/driver/vulkan/kernels/kernel_device.hpp"

namespace rlx::vulkan {

/// Memory of one buffer that shaders name by address.
struct Memory {
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  VkDeviceAddress address = 0;
  std::byte* data = nullptr;  ///< where the CPU sees it, if it does
  std::size_t bytes = 0;
};

/// The first device with buffer addresses, one of a graphics card's if there is one.
class OpenDevice {
 public:
  /// Null where there is no loader or device, and why in `absence`; anything else that fails is
  /// thrown. With `validate` the Khronos validation layer's messages are collected.
  static std::unique_ptr<OpenDevice> open(bool validate, std::string& absence);
  ~OpenDevice();
  OpenDevice(const OpenDevice&) = delete;
  OpenDevice& operator=(const OpenDevice&) = delete;

  [[nodiscard]] const KernelDevice& kernel_device() const { return kernel_device_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool validated() const { return validated_; }
  /// What the validation layer has said.
  [[nodiscard]] const std::vector<std::string>& messages() const { return messages_; }

  [[nodiscard]] Memory allocate(std::size_t bytes, VkMemoryPropertyFlags flags) const;
  void free(const Memory& memory) const;
  /// Records commands, and runs them `times` times to their end; afterwards the CPU sees what they
  /// wrote.
  void run(const std::function<void(VkCommandBuffer)>& record, int times = 1) const;

 private:
  OpenDevice() = default;
  bool create_instance(bool validate);
  bool choose_device();
  bool create_device();
  bool find_functions(void* loader);

  void* loader_ = nullptr;
  GlobalFunctions global_{};
  InstanceFunctions instance_functions_{};
  DeviceFunctions functions_{};
  VkInstance instance_ = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  VkPhysicalDevice physical_ = VK_NULL_HANDLE;
  std::uint32_t family_ = 0;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  KernelDevice kernel_device_;
  std::string name_;
  bool validated_ = false;
  std::vector<std::string> messages_;
};

}  // namespace rlx::vulkan
