#pragma once
// Which device of a machine a rank takes.

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/driver/devices.hpp"

namespace rlx {

/// The index of the device for `local_rank`, from 0; there is at least one device. Processors are
/// taken only if there is nothing else. Devices on one of `near_nodes` (those of the rank's CPUs)
/// are taken in turn, or all of them where none is near. As long as there are enough, each rank
/// gets its own: be the ranks not bound to CPUs, or bound to nodes in blocks or in turn.
[[nodiscard]] std::uint32_t choose_device(std::span<const DeviceLocation> devices,
                                          std::span<const int> near_nodes,
                                          std::uint32_t local_rank);

}  // namespace rlx
