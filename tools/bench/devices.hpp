#pragma once
// --device: which device each rank owns.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rlx/device.hpp"

namespace rlx::bench {

/// By rank, from the start again when there are more ranks: "cpu", "vulkan:N", or "vulkan" for the
/// GPU that is the rank's on its node. Empty: no memory of devices is measured.
using DeviceNames = std::vector<std::string>;

/// From "vulkan", "vulkan:0,cpu". Throws UsageError with the accepted forms.
[[nodiscard]] DeviceNames parse_devices(std::string_view text);

/// A rank among all, and among those of its node.
struct RankPlace {
  std::uint32_t rank = 0;
  std::uint32_t local_rank = 0;
  std::uint32_t local_ranks = 1;
};

/// Throws CollectiveError(Unsupported) where there is no such device.
[[nodiscard]] Device device_of(const DeviceNames& names, const RankPlace& place);

}  // namespace rlx::bench
