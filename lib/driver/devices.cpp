#include "lib/driver/devices.hpp"

#include <fmt/format.h>

#include <atomic>

#include "lib/driver/cpu/cpu_device.hpp"
#include "rlx/error.hpp"
#if RLX_HAVE_VULKAN
#include "lib/driver/vulkan/vulkan_device.hpp"
#endif

namespace rlx {
namespace {

constexpr DeviceDriver kDrivers[] = {
    cpu::kDriver,
#if RLX_HAVE_VULKAN
    vulkan::kDriver,
#endif
};

std::atomic<const DeviceDriver*> stand_in_driver{nullptr};

std::string available_names() {
  std::string names;
  for (const Device& device : available_devices()) {
    names += names.empty() ? "" : ", ";
    names += device.name();
  }
  return names;
}

[[noreturn]] void throw_missing(const Device& device, std::string_view what) {
  throw CollectiveError(
      ErrorKind::Unsupported, "Device",
      fmt::format("{}: {}; available here: {}", device.name(), what, available_names()));
}

}  // namespace

std::span<const DeviceDriver> device_drivers() { return kDrivers; }

void stand_in(const DeviceDriver* driver) { stand_in_driver = driver; }

namespace {

/// nullptr where there is none in this build.
const DeviceDriver* find_driver(DeviceKind kind) {
  if (const DeviceDriver* other = stand_in_driver; other != nullptr && other->kind == kind)
    return other;
  for (const DeviceDriver& driver : kDrivers)
    if (driver.kind == kind) return &driver;
  return nullptr;
}

}  // namespace

const DeviceDriver& driver_of(const Device& device) {
  if (const DeviceDriver* driver = find_driver(device.kind())) {
    if (device.index() < driver->count()) return *driver;
    const std::string why = driver->absence();
    throw_missing(device, fmt::format("this machine has {} devices of kind {}{}{}", driver->count(),
                                      to_string(device.kind()), why.empty() ? "" : ": ", why));
  }
  throw_missing(device, fmt::format("this build of rlx has no driver for {} devices",
                                    to_string(device.kind())));
}

}  // namespace rlx
