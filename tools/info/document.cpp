#include "tools/info/document.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/driver/devices.hpp"
#include "rlx/config.hpp"
#include "rlx/device.hpp"
#include "rlx/error.hpp"
#include "rlx/topology.hpp"
#include "rlx/version.hpp"
#include "transports/shm/placement.hpp"
#ifdef RLX_HAVE_OFI
#include "transports/ofi/provider_info.hpp"
#endif

namespace rlx::info {
namespace {

#ifdef RLX_HAVE_MPI
constexpr bool kHasMpi = true;
#else
constexpr bool kHasMpi = false;
#endif
#ifdef RLX_HAVE_OFI
constexpr bool kHasOfi = true;
#else
constexpr bool kHasOfi = false;
#endif

/// dtypes whose reductions the CPU does, by way of copies.
Json not_reduced_by(const Device& device) {
  const Compute& compute = driver_of(device).compute(device.index());
  Json names = Json::array();
  for (const DType dtype : kAllDTypes) {
    if (!compute.supports(dtype)) names.push_back(to_string(dtype));
  }
  return names;
}

Json describe_device(const Device& device) {
  Json row = {{"name", device.name()}};
  try {
    const DeviceProperties properties = device.properties();
    row["description"] = properties.description;
    row["driver"] = properties.driver;
    row["memory_bytes"] = properties.memory_bytes;
    row["compute_units"] = properties.compute_units;
    row["host_addressable"] = properties.host_addressable;
    row["host_import"] = properties.host_import;
    row["queues"] = properties.queues;
    row["not_reduced"] = not_reduced_by(device);
  } catch (const CollectiveError& error) {
    row["error"] = error.details().message;
  }
  return row;
}

/// A knob as the environment sets it. What is not accepted is shown as it was written.
Json describe_knob(const ConfigEntry& entry) {
  const Config defaults;
  const std::string name(entry.name);
  const char* text = std::getenv(name.c_str());
  Config config;
  std::string value = text == nullptr ? defaults.get(name) : text;
  std::string error;
  try {
    if (text != nullptr) config.set(name, text);
    value = config.get(name);
  } catch (const CollectiveError& refused) {
    error = refused.details().message;
  }
  Json row = {{"name", name},
              {"value", value},
              {"default", defaults.get(name)},
              {"agreed", entry.agreed},
              {"help", entry.help}};
  if (!error.empty()) row["error"] = error;
  return row;
}

/// Variables that look like knobs and are none: most likely a slip of the pen.
void add_unknown(Json& rows) {
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const std::string_view name = text.substr(0, text.find('='));
    const auto known = config_entries();
    if (!name.starts_with("RLX_") ||
        std::any_of(known.begin(), known.end(), [&](const auto& one) { return one.name == name; }))
      continue;
    rows.push_back(
        {{"name", name}, {"error", std::string(name) + " is set, and rlx reads no such variable"}});
  }
}

}  // namespace

Json describe_library() {
  const auto devices = available_devices();
  const bool vulkan = std::any_of(devices.begin(), devices.end(), [](const Device& device) {
    return device.kind() == DeviceKind::vulkan;
  });
  return {{"version", kVersion},
          {"wire_version", wire_version()},
          {"build", build_string()},
          {"features", {{"mpi", kHasMpi}, {"ofi", kHasOfi}, {"vulkan", vulkan}}}};
}

Json describe_config() {
  Json rows = Json::array();
  for (const ConfigEntry& entry : config_entries()) rows.push_back(describe_knob(entry));
  add_unknown(rows);
  return rows;
}

Json describe_devices() {
  Json rows = Json::array();
  for (const Device& device : available_devices()) rows.push_back(describe_device(device));
  for (const DeviceDriver& driver : device_drivers()) {
    if (driver.count() > 0) continue;
    rows.push_back({{"name", to_string(driver.kind)}, {"error", driver.absence()}});
  }
  return rows;
}

Json describe_topology() {
  const Topology topology = Topology::discover();
  Json nodes = Json::array();
  for (const NumaNode& node : topology.numa_nodes) {
    nodes.push_back(
        {{"index", node.index}, {"memory_bytes", node.memory_bytes}, {"cpus", node.cpus}});
  }
  return {{"hostname", topology.hostname},         {"cores", topology.cores},
          {"packages", topology.packages},         {"cpus", topology.cpus},
          {"memory_bytes", topology.memory_bytes}, {"numa_nodes", nodes}};
}

Json describe_shared_memory() {
  const shm::SharedMemoryReport report = shm::describe_shared_memory();
  if (!report.problem.empty()) return {{"error", report.problem}};
  return {{"node_local", report.node_local ? Json(*report.node_local) : Json(nullptr)},
          {"huge_pages", report.huge_pages},
          {"huge_page_setting", report.huge_page_setting}};
}

#ifdef RLX_HAVE_OFI
Json describe_fabrics() {
  Json rows = Json::array();
  try {
    for (const ofi::ProviderInfo& p : ofi::describe_providers()) {
      rows.push_back({{"provider", p.name},
                      {"domain", p.domain},
                      {"address", p.address},
                      {"usable", p.usable},
                      {"preferred", p.preferred},
                      {"protocol", p.usable ? Json(to_string(p.protocol)) : Json(nullptr)},
                      {"reason", p.reason},
                      {"order", p.order},
                      {"ordered_bytes", p.ordered_bytes},
                      {"memory", p.memory},
                      {"completion_data_bytes", p.completion_data_bytes},
                      {"progress", p.progress},
                      {"inject_bytes", p.inject_bytes},
                      {"largest_write", p.largest_write},
                      {"queue_depth", p.queue_depth}});
    }
  } catch (const CollectiveError& error) {
    return {{"error", error.details().message}};
  }
  return rows;
}
#else
Json describe_fabrics() { return nullptr; }
#endif

}  // namespace rlx::info
