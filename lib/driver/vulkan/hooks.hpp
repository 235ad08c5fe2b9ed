#pragma once
// What tests pretend about this machine's Vulkan. Nothing else sets these.

#include <atomic>
#include <cstdint>

namespace rlx::vulkan {

struct Hooks {
  std::atomic<bool> no_loader{false};
  std::atomic<bool> no_host_import{false};
  /// Submissions that still succeed; the one after them says VK_ERROR_DEVICE_LOST. Negative: all.
  std::atomic<std::int64_t> submissions_until_lost{-1};
  /// Bytes of each device that may be allocated; beyond them is VK_ERROR_OUT_OF_DEVICE_MEMORY.
  std::atomic<std::uint64_t> most_device_bytes{UINT64_MAX};
  /// Imports and allocations are cut into pieces of at most this many bytes, 0: as the device says.
  std::atomic<std::uint64_t> piece_bytes{0};
  /// Devices with one queue, opened from now on, are used as if they had this many for transfers.
  std::atomic<std::uint32_t> transfer_queues{0};
  /// Bit l: what is for the device's queue l is not submitted.
  std::atomic<std::uint32_t> held_queues{0};
  /// The Khronos validation layer, its look at synchronisation included, for instances made from
  /// now on.
  std::atomic<bool> validation{false};
  /// Of it and of the driver: warnings and errors so far.
  std::atomic<std::uint64_t> validation_messages{0};
  /// One more: instance and devices are opened anew, as in a forked child.
  std::atomic<std::uint32_t> reopened{0};
};

[[nodiscard]] Hooks& hooks() noexcept;

/// Instances and devices belong to one generation of the process: a forked child has another one,
/// and may not touch what its parent has opened.
[[nodiscard]] std::uint64_t generation() noexcept;

}  // namespace rlx::vulkan
