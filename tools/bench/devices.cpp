#include "tools/bench/devices.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "rlx/error.hpp"
#include "tools/bench/usage_error.hpp"

namespace rlx::bench {

DeviceNames parse_devices(std::string_view text) {
  DeviceNames names;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view name = text.substr(at, comma - at);
    try {
      static_cast<void>(Device::parse(name));
    } catch (const CollectiveError& error) {
      throw UsageError(fmt::format("--device {}: {}; several, by rank, are separated by commas",
                                   text, error.details().message));
    }
    names.emplace_back(name);
    at = comma + 1;
  }
  return names;
}

Device device_of(const DeviceNames& names, const RankPlace& place) {
  if (names.empty()) return Device::cpu();
  const std::string& name = names[place.rank % names.size()];
  if (name == to_string(DeviceKind::vulkan))
    return closest_device(DeviceKind::vulkan, place.local_rank, place.local_ranks);
  return Device::parse(name);
}

}  // namespace rlx::bench
