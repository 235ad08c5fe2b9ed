#include "rlx/device.hpp"

#include <fmt/format.h>

#include <charconv>

#include "lib/driver/devices.hpp"
#include "rlx/error.hpp"

namespace rlx {

std::string_view to_string(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::cpu:
      return "cpu";
    case DeviceKind::vulkan:
      return "vulkan";
  }
  return "unknown";
}

Device Device::parse(std::string_view name) {
  if (name == "cpu") return cpu();
  if (name == "vulkan") return vulkan(0);
  constexpr std::string_view kNumbered = "vulkan:";
  if (name.starts_with(kNumbered)) {
    std::uint32_t index = 0;
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + kNumbered.size(), end, index);
    if (error == std::errc{} && stop == end) return vulkan(index);
  }
  throw CollectiveError(
      ErrorKind::InvalidArgument, "Device",
      fmt::format("\"{}\" names no device; use cpu, vulkan or vulkan:N with N from 0", name));
}

std::string Device::name() const {
  if (kind_ == DeviceKind::cpu) return "cpu";
  return fmt::format("{}:{}", to_string(kind_), index_);
}

DeviceProperties Device::properties() const { return driver_of(*this).properties(index_); }

std::vector<Device> available_devices() {
  std::vector<Device> devices{Device::cpu()};
  for (const DeviceDriver& driver : device_drivers()) {
    if (driver.kind != DeviceKind::vulkan) continue;
    for (std::uint32_t index = 0; index < driver.count(); ++index) {
      devices.push_back(Device::vulkan(index));
    }
  }
  return devices;
}

}  // namespace rlx
