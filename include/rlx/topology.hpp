#pragma once
// The machine as this process may use it: what its affinity mask and its container allow.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rlx {

struct NumaNode {
  std::uint32_t index = 0;          ///< the operating system's number
  std::size_t memory_bytes = 0;     ///< local memory
  std::vector<std::uint32_t> cpus;  ///< this process's logical CPUs there, ascending
};

/// A value, taken once. Logical CPUs have the operating system's numbers.
struct Topology {
  std::string hostname;
  /// Distinguishes boots of kernels: equal on everything that shares one running kernel, containers
  /// included. Empty where the system does not tell.
  std::string boot_id;
  std::vector<std::uint32_t> cpus;   ///< logical CPUs in this process's affinity mask, ascending
  std::uint32_t cores = 0;           ///< physical cores behind them
  std::uint32_t packages = 0;        ///< sockets behind them
  std::vector<NumaNode> numa_nodes;  ///< those with one of these CPUs; at least one
  std::size_t memory_bytes = 0;      ///< of the machine

  /// Never throws for lack of information: what the system does not tell is taken from the affinity
  /// mask alone (one NUMA node, one package).
  [[nodiscard]] static Topology discover();
};

/// One line for banners: "node1: 8 cores (16 CPUs), 2 packages, 2 NUMA nodes, 62.8 GiB".
[[nodiscard]] std::string to_string(const Topology& topology);

}  // namespace rlx
