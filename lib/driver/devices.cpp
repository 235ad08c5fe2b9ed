#include "lib/driver/devices.hpp"

#include <fmt/format.h>

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

const DeviceDriver& driver_of(const Device& device) {
  for (const DeviceDriver& driver : kDrivers) {
    if (driver.kind != device.kind()) continue;
    if (device.index() < driver.count()) return driver;
    const std::string why = driver.absence();
    throw_missing(device, fmt::format("this machine has {} devices of kind {}{}{}", driver.count(),
                                      to_string(device.kind()), why.empty() ? "" : ": ", why));
  }
  throw_missing(device, fmt::format("this build of rlx has no driver for {} devices",
                                    to_string(device.kind())));
}

}  // namespace rlx
