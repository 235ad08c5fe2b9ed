#pragma once
// The table of device kinds. Adding one is a folder with a driver and one line in devices.cpp.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "lib/driver/compute.hpp"
#include "rlx/buffer.hpp"
#include "rlx/device.hpp"

namespace rlx {

/// What a kind of device offers. Indices are below count(); every function may throw
/// CollectiveError(Unsupported) with the driver's own words.
struct DeviceDriver {
  DeviceKind kind;
  std::string_view summary;  ///< one line for rlx-info
  std::uint32_t (*count)();  ///< devices of this kind on this machine, perhaps 0
  DeviceProperties (*properties)(std::uint32_t index);
  /// `bytes` zeroed bytes, 64-byte aligned. Throws CollectiveError(OutOfMemory).
  std::unique_ptr<detail::DeviceMemory> (*allocate)(std::uint32_t index, std::size_t bytes);
  /// Lives as long as the process.
  Compute& (*compute)(std::uint32_t index);
};

/// Every kind in this build.
[[nodiscard]] std::span<const DeviceDriver> device_drivers();

/// The driver of a device that is there. Throws CollectiveError(Unsupported) naming the device,
/// what is missing and what there is.
[[nodiscard]] const DeviceDriver& driver_of(const Device& device);

}  // namespace rlx
