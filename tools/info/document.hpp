#pragma once
// What rlx-info knows, collected once. The text and the JSON output are two renderings of it.

#include <nlohmann/json.hpp>

namespace rlx::info {

using Json = nlohmann::ordered_json;

/// version, wire_version, build, features.
[[nodiscard]] Json describe_library();
/// One object per knob: name, value, default, help, agreed. What the environment says wrongly has
/// an `error` as well; a variable that rlx does not read has only a name and an `error`.
[[nodiscard]] Json describe_config();
/// One object per device: name, description, driver, memory_bytes, compute_units, host_addressable,
/// host_import, queues, not_reduced (dtypes); or name and `error`, also for a kind of which this
/// machine has none.
[[nodiscard]] Json describe_devices();
/// This process: hostname, cores, packages, cpus, memory_bytes, numa_nodes.
[[nodiscard]] Json describe_topology();
/// Shared memory as this process gets it: node_local (null where the system does not tell),
/// huge_pages, huge_page_setting; or `error`.
[[nodiscard]] Json describe_shared_memory();
/// One object per libfabric provider and domain, best first; null without libfabric in the build.
/// An object with `error` where libfabric fails.
[[nodiscard]] Json describe_fabrics();

}  // namespace rlx::info
