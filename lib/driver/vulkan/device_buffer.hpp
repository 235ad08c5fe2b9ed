#pragma once
// One VkBuffer with memory of its own, and the addresses that it is found under.

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/descriptor.hpp"
#include "lib/driver/vulkan/gpu.hpp"

namespace rlx::vulkan {

/// Move-only. Whoever destroys it has waited for the work that uses it. In a forked child it does
/// nothing.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  ~DeviceBuffer() { release(); }
  DeviceBuffer(DeviceBuffer&& other) noexcept { *this = std::move(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept;

  /// Memory of the device. `into` is changed on VK_SUCCESS only, also by the others.
  [[nodiscard]] static VkResult allocate(Gpu& gpu, std::uint64_t bytes, DeviceBuffer& into);
  /// Memory of the host that the driver makes and maps; cached where there is such.
  [[nodiscard]] static VkResult allocate_host(Gpu& gpu, std::uint64_t bytes, DeviceBuffer& into);
  /// Whole pages of this process.
  [[nodiscard]] static VkResult import(Gpu& gpu, std::span<std::byte> pages, DeviceBuffer& into);

  /// Memory of the device that others may have by `handle` (VK_KHR_external_memory_fd), and that of
  /// another who does.
  [[nodiscard]] static VkResult allocate_shared(Gpu& gpu, std::uint64_t bytes,
                                                detail::Descriptor& handle, DeviceBuffer& into);
  [[nodiscard]] static VkResult open_shared(Gpu& gpu, std::uint64_t bytes,
                                            detail::Descriptor handle, DeviceBuffer& into);

  /// Makes it findable; its first byte is `begin`.
  void map_at(std::byte* begin);
  /// Steps that come now do not find it any more.
  void unmap() noexcept;

  [[nodiscard]] VkBuffer handle() const noexcept { return buffer_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// Where allocate_host() has mapped it.
  [[nodiscard]] std::byte* mapped() const noexcept { return mapped_; }

 private:
  DeviceBuffer(Gpu& gpu, std::uint64_t bytes, bool host) : gpu_(&gpu), bytes_(bytes), host_(host) {}
  [[nodiscard]] VkResult create(const void* chain);
  /// `bytes` of memory: 0 as many as the buffer wants.
  [[nodiscard]] VkResult bind(std::uint32_t type, const void* chain, std::uint64_t bytes = 0);
  [[nodiscard]] VkResult create_shared();
  [[nodiscard]] VkResult bind_shared(const void* chain);
  [[nodiscard]] VkMemoryRequirements requirements() const;
  void release() noexcept;

  Gpu* gpu_ = nullptr;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  std::uint64_t bytes_ = 0;
  std::byte* mapped_ = nullptr;
  bool host_ = false;
  bool found_ = false;
  bool counted_ = false;
};

/// The most bytes of one buffer, a multiple of 64 KiB.
[[nodiscard]] std::uint64_t most_buffer_bytes(const Gpu& gpu) noexcept;

}  // namespace rlx::vulkan
