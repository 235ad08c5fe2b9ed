#include "lib/driver/device_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "rlx/error.hpp"
#include "rlx/topology.hpp"

namespace rlx {
namespace {

std::vector<int> nodes_of_this_thread() {
  std::vector<int> nodes;
  for (const NumaNode& node : Topology::discover().numa_nodes) {
    nodes.push_back(static_cast<int>(node.index));
  }
  return nodes;
}

}  // namespace

// A rank does not know where the others are bound. With n devices in groups of m near ones, those
// that share its group are m consecutive ranks, or every (n / m)th one. Turning by one after each
// common multiple keeps either kind apart.
std::uint32_t choose_device(std::span<const DeviceLocation> devices,
                            std::span<const int> near_nodes, std::uint32_t local_rank) {
  const bool any_gpu = std::any_of(devices.begin(), devices.end(),
                                   [](const DeviceLocation& one) { return !one.processor; });
  std::vector<std::uint32_t> all;
  std::vector<std::uint32_t> near;
  for (std::uint32_t d = 0; d < devices.size(); ++d) {
    if (any_gpu && devices[d].processor) continue;
    all.push_back(d);
    if (std::find(near_nodes.begin(), near_nodes.end(), devices[d].numa_node) != near_nodes.end()) {
      near.push_back(d);
    }
  }
  if (near.empty()) near = all;
  const std::size_t groups = all.size() / near.size();
  const std::size_t turn = local_rank + local_rank / std::lcm(near.size(), groups);
  return near[turn % near.size()];
}

Device closest_device(DeviceKind kind, std::uint32_t local_rank, std::uint32_t local_ranks) {
  if (local_rank >= local_ranks) {
    throw CollectiveError(
        ErrorKind::InvalidArgument, "closest_device",
        fmt::format("local rank {} of {} on this machine", local_rank, local_ranks));
  }
  if (kind == DeviceKind::cpu) return Device::cpu();
  const DeviceDriver& driver = driver_of(Device::vulkan(0));
  std::vector<DeviceLocation> devices;
  for (std::uint32_t d = 0; d < driver.count(); ++d) devices.push_back(driver.location(d));
  return Device::vulkan(choose_device(devices, nodes_of_this_thread(), local_rank));
}

}  // namespace rlx
