#pragma once
// The table of device kinds. Adding one is a folder with a driver and one line in devices.cpp.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/descriptor.hpp"
#include "lib/driver/compute.hpp"
#include "rlx/buffer.hpp"
#include "rlx/command_stream.hpp"
#include "rlx/device.hpp"

namespace rlx {

/// Host memory that a device's steps may name, until this is destroyed, which waits for the steps
/// that do.
class HostImport {
 public:
  virtual ~HostImport() = default;
};

/// What rlx::closest_device chooses by, and what tells devices apart.
struct DeviceLocation {
  bool processor = false;  ///< it computes on the CPUs
  int numa_node = -1;      ///< that it is attached to; -1: unknown
  /// Equal in processes of one machine that use the same device by the same driver; 0: not known.
  std::uint64_t identity = 0;
};

/// Memory of a device that other processes may have, too.
struct SharedDeviceMemory {
  std::unique_ptr<detail::DeviceMemory> memory;  ///< nullptr: this device does not share memory
  detail::Descriptor handle;                     ///< what the others open it by
};

/// What a kind of device offers. Indices are below count(); every function may throw
/// CollectiveError(Unsupported) with the driver's own words.
struct DeviceDriver {
  DeviceKind kind;
  std::string_view summary;  ///< one line for rlx-info
  std::uint32_t (*count)();  ///< devices of this kind on this machine, perhaps 0
  /// Why count() is 0, in the words of whoever refuses; empty where it is not.
  std::string (*absence)();
  DeviceLocation (*location)(std::uint32_t index);
  DeviceProperties (*properties)(std::uint32_t index);
  /// `bytes` zeroed bytes, 64-byte aligned. Throws CollectiveError(OutOfMemory).
  std::unique_ptr<detail::DeviceMemory> (*allocate)(std::uint32_t index, std::size_t bytes);
  /// Lives as long as the process.
  Compute& (*compute)(std::uint32_t index);
  /// Whole pages of host memory, which stay mapped meanwhile, for steps of the device without a
  /// copy; the same pages may be imported several times. nullptr when this device or this memory
  /// does not allow it: the bytes must then be copied by DeviceMemory::write() and read().
  std::unique_ptr<HostImport> (*import_host)(std::uint32_t index, std::span<std::byte> pages);
  std::unique_ptr<CommandStream> (*stream)(std::uint32_t index);
  /// As allocate(), for others to open: not zeroed. nullptr where no device of the kind can.
  SharedDeviceMemory (*allocate_shared)(std::uint32_t index, std::size_t bytes) = nullptr;
  /// The same bytes in another process, or in this one, on the same device: both name them by
  /// addresses of their own. Throws CollectiveError(Device) with the driver's words.
  std::unique_ptr<detail::DeviceMemory> (*open_shared)(std::uint32_t index,
                                                       detail::Descriptor handle,
                                                       std::size_t bytes) = nullptr;
};

/// Every kind in this build.
[[nodiscard]] std::span<const DeviceDriver> device_drivers();

/// The driver of a device that is there. Throws CollectiveError(Unsupported) naming the device,
/// what is missing and what there is.
[[nodiscard]] const DeviceDriver& driver_of(const Device& device);

/// Tests only: `driver` takes the place of that of its kind until nullptr is given. It must outlive
/// what was made of it.
void stand_in(const DeviceDriver* driver);

}  // namespace rlx
