#include "rlx/topology.hpp"

#include <fmt/format.h>
#include <hwloc.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <memory>

namespace rlx {
namespace {

struct TopologyDeleter {
  void operator()(hwloc_topology* topology) const noexcept { hwloc_topology_destroy(topology); }
};
using TopologyHandle = std::unique_ptr<hwloc_topology, TopologyDeleter>;

struct BitmapDeleter {
  void operator()(hwloc_bitmap_s* bitmap) const noexcept { hwloc_bitmap_free(bitmap); }
};
using Bitmap = std::unique_ptr<hwloc_bitmap_s, BitmapDeleter>;

std::string read_hostname() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

std::size_t machine_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page)
                               : 0;
}

// Caches, groups and devices are not asked for: this keeps discovery to a few milliseconds.
TopologyHandle load() {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return nullptr;
  TopologyHandle topology(raw);
  hwloc_topology_set_cache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_NONE);
  hwloc_topology_set_icache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_NONE);
  hwloc_topology_set_type_filter(raw, HWLOC_OBJ_GROUP, HWLOC_TYPE_FILTER_KEEP_NONE);
  if (hwloc_topology_load(raw) != 0) return nullptr;
  return topology;
}

// The union over this process's threads, within what its container allows.
Bitmap allowed_cpus(hwloc_topology_t topology) {
  Bitmap set(hwloc_bitmap_alloc());
  if (hwloc_get_cpubind(topology, set.get(), HWLOC_CPUBIND_PROCESS) != 0) {
    hwloc_bitmap_copy(set.get(), hwloc_topology_get_topology_cpuset(topology));
  }
  hwloc_bitmap_and(set.get(), set.get(), hwloc_topology_get_allowed_cpuset(topology));
  return set;
}

std::vector<std::uint32_t> members(hwloc_const_bitmap_t set) {
  std::vector<std::uint32_t> cpus;
  for (int cpu = hwloc_bitmap_first(set); cpu >= 0; cpu = hwloc_bitmap_next(set, cpu)) {
    cpus.push_back(static_cast<std::uint32_t>(cpu));
  }
  return cpus;
}

std::uint32_t objects_with(hwloc_topology_t topology, hwloc_obj_type_t type,
                           hwloc_const_bitmap_t set) {
  std::uint32_t found = 0;
  for (hwloc_obj_t object = nullptr;
       (object = hwloc_get_next_obj_by_type(topology, type, object)) != nullptr;) {
    if (hwloc_bitmap_intersects(object->cpuset, set) != 0) ++found;
  }
  return found;
}

std::vector<NumaNode> numa_nodes_with(hwloc_topology_t topology, hwloc_const_bitmap_t set) {
  std::vector<NumaNode> nodes;
  Bitmap shared(hwloc_bitmap_alloc());
  for (hwloc_obj_t object = nullptr;
       (object = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, object)) != nullptr;) {
    hwloc_bitmap_and(shared.get(), object->cpuset, set);
    if (hwloc_bitmap_iszero(shared.get()) != 0) continue;
    nodes.push_back({.index = object->os_index,
                     .memory_bytes = object->attr->numanode.local_memory,
                     .cpus = members(shared.get())});
  }
  return nodes;
}

std::vector<std::uint32_t> cpus_without_hwloc() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<std::uint32_t> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    for (std::uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) cpus.push_back(0);  // this code runs on some CPU
  return cpus;
}

// What is not known is one: core for each CPU, package, NUMA node with all of the memory.
void complete(Topology& topology) {
  if (topology.cpus.empty()) topology.cpus = cpus_without_hwloc();
  if (topology.cores == 0) topology.cores = static_cast<std::uint32_t>(topology.cpus.size());
  if (topology.packages == 0) topology.packages = 1;
  if (topology.numa_nodes.empty()) {
    topology.numa_nodes.push_back({0, topology.memory_bytes, topology.cpus});
  }
}

}  // namespace

Topology Topology::discover() {
  Topology topology;
  topology.hostname = read_hostname();
  topology.boot_id = read_boot_id();
  topology.memory_bytes = machine_memory();
  if (const TopologyHandle handle = load()) {
    const Bitmap allowed = allowed_cpus(handle.get());
    topology.cpus = members(allowed.get());
    topology.cores = objects_with(handle.get(), HWLOC_OBJ_CORE, allowed.get());
    topology.packages = objects_with(handle.get(), HWLOC_OBJ_PACKAGE, allowed.get());
    topology.numa_nodes = numa_nodes_with(handle.get(), allowed.get());
  }
  complete(topology);
  return topology;
}

std::string to_string(const Topology& topology) {
  const auto plural = [](std::size_t n) { return n == 1 ? "" : "s"; };
  const double gib = static_cast<double>(topology.memory_bytes) / (1ULL << 30);
  return fmt::format("{}: {} core{} ({} CPU{}), {} package{}, {} NUMA node{}, {:.1f} GiB",
                     topology.hostname, topology.cores, plural(topology.cores),
                     topology.cpus.size(), plural(topology.cpus.size()), topology.packages,
                     plural(topology.packages), topology.numa_nodes.size(),
                     plural(topology.numa_nodes.size()), gib);
}

}  // namespace rlx
