#pragma once
// Copies between memory of a device and host memory that it does not reach, by way of buffers that
// both do: a few, and not large, whatever is copied.

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/driver/vulkan/device_buffer.hpp"
#include "lib/driver/vulkan/vulkan_compute.hpp"

namespace rlx::vulkan {

/// The buffers, made when first used. One copy at a time.
class Staging {
 public:
  Staging(Gpu& gpu, VulkanCompute& compute) : gpu_(gpu), compute_(compute) {}
  /// Waits for the copies that use it.
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  static constexpr std::size_t kSlots = 2;  // the CPU copies to or from one, the device the other
  static constexpr std::uint64_t kSlotBytes = std::uint64_t{4} << 20;
  struct Slot {
    DeviceBuffer buffer;
    ComputeTicket used_by = 0;  ///< the last device step that names it
  };

  /// Throws CollectiveError: OutOfMemory.
  [[nodiscard]] Slot& slot(std::size_t index);
  [[nodiscard]] VulkanCompute& compute() const noexcept { return compute_; }
  [[nodiscard]] Gpu& gpu() const noexcept { return gpu_; }

 private:
  Gpu& gpu_;
  VulkanCompute& compute_;
  std::array<Slot, kSlots> slots_;
};

/// Driven by advance(); in order with the device's steps.
class StagedCopy {
 public:
  StagedCopy() = default;
  [[nodiscard]] static StagedCopy upload(std::byte* device, const std::byte* host,
                                         std::uint64_t bytes);
  [[nodiscard]] static StagedCopy download(std::byte* host, const std::byte* device,
                                           std::uint64_t bytes);

  /// Does what can be done now. True: all is done. Throws CollectiveError: OutOfMemory, Device once
  /// the device has failed.
  [[nodiscard]] bool advance(Staging& staging);
  /// Does all of it.
  void finish(Staging& staging);

 private:
  [[nodiscard]] bool advance_upload(Staging& staging);
  [[nodiscard]] bool advance_download(Staging& staging);
  [[nodiscard]] std::uint64_t length_at(std::uint64_t at) const noexcept;

  const std::byte* from_ = nullptr;
  std::byte* into_ = nullptr;
  std::uint64_t bytes_ = 0;
  bool up_ = false;
  std::uint64_t issued_ = 0;    // bytes that a step of the device copies or has copied
  std::uint64_t finished_ = 0;  // of a download: bytes that the CPU has
};

/// Throws CollectiveError(Device) with the driver's words if the device has failed.
void check_health(const VulkanCompute& compute, const char* operation);

}  // namespace rlx::vulkan
