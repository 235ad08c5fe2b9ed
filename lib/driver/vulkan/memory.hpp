#pragma once
// Memory of the device itself.

#include <cstddef>
#include <vector>

#include "lib/base/descriptor.hpp"
#include "lib/driver/vulkan/device_buffer.hpp"
#include "lib/driver/vulkan/open_device.hpp"
#include "rlx/buffer.hpp"

namespace rlx::vulkan {

/// Addresses of this process that nothing else has and nobody can touch: they name the bytes of a
/// device. Released when destroyed.
class ReservedAddresses {
 public:
  /// Throws CollectiveError(OutOfMemory).
  explicit ReservedAddresses(std::size_t bytes);
  ~ReservedAddresses();
  ReservedAddresses(const ReservedAddresses&) = delete;
  ReservedAddresses& operator=(const ReservedAddresses&) = delete;

  [[nodiscard]] std::byte* begin() const noexcept { return begin_; }

 private:
  std::byte* begin_;
  std::size_t bytes_;
};

/// Zeroed when made. Larger than the device's largest buffer: several of them.
class VulkanMemory final : public detail::DeviceMemory {
 public:
  /// Throws CollectiveError: OutOfMemory naming sizes, Device.
  VulkanMemory(OpenDevice& device, std::size_t bytes);
  /// One buffer that others may open by `handle`, which this sets; not zeroed. It is shareable().
  VulkanMemory(OpenDevice& device, std::size_t bytes, detail::Descriptor& handle);
  /// The buffer of somebody else on this device. Throws CollectiveError(Device).
  VulkanMemory(OpenDevice& device, detail::Descriptor handle, std::size_t bytes);
  [[nodiscard]] static bool shareable(const OpenDevice& device, std::size_t bytes);
  /// Waits for the steps that name it.
  ~VulkanMemory() override;

  std::byte* host_data() noexcept override { return nullptr; }
  std::byte* address() noexcept override { return addresses_.begin(); }
  void write(std::size_t offset, std::span<const std::byte> from) override;
  void read(std::size_t offset, std::span<std::byte> into) const override;

 private:
  void allocate(std::uint64_t bytes, std::size_t asked);
  void keep(DeviceBuffer buffer);
  void unmap_and_wait() noexcept;

  OpenDevice& device_;
  ReservedAddresses addresses_;
  std::vector<DeviceBuffer> buffers_;
};

}  // namespace rlx::vulkan
