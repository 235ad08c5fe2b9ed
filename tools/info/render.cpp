#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tools/info/text.hpp"

namespace rlx::info {
namespace {

using Rows = std::vector<std::vector<std::string>>;
using Numbers = std::vector<std::uint32_t>;

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }
std::string text_of(const Json& value) { return value.get<std::string>(); }
std::string number_of(const Json& value) { return value.dump(); }
std::string cpus_of(const Json& row) { return ranges(row["cpus"].get<Numbers>()); }

std::string counted(const Json& number, std::string_view thing) {
  const auto n = number.get<std::uint64_t>();
  return fmt::format("{} {}{}", n, thing, n == 1 ? "" : "s");
}

std::string joined(const Json& words) {
  return or_dash(fmt::format("{}", fmt::join(words.get<std::vector<std::string>>(), " ")));
}

std::string library(const Json& document) {
  std::string features;
  for (const auto& [name, there] : document["features"].items()) {
    features +=
        fmt::format("{}{} {}", features.empty() ? "" : ", ", there ? "with" : "without", name);
  }
  return aligned({{"version", text_of(document["version"])},
                  {"wire version", number_of(document["wire_version"])},
                  {"build", text_of(document["build"])},
                  {"features", features}},
                 0);
}

std::string config(const Json& knobs) {
  Rows rows = {{"NAME", "VALUE", "DEFAULT", "SAME ON ALL", "WHAT IT IS"}};
  std::string errors;
  for (const Json& knob : knobs) {
    if (knob.contains("error")) errors += "  error: " + text_of(knob["error"]) + '\n';
    if (!knob.contains("value")) continue;
    const std::string value = text_of(knob["value"]);
    const std::string standard = text_of(knob["default"]);
    rows.push_back({text_of(knob["name"]), or_dash(value),
                    value == standard ? "=" : or_dash(standard), knob["agreed"] ? "yes" : "no",
                    text_of(knob["help"])});
  }
  return "config (from the environment)\n" + aligned(rows, 2) + errors;
}

/// What steps of a device can name and do; empty for the CPU, which needs no paths.
std::string paths_of(const Json& device) {
  if (device["host_addressable"]) return "";
  std::string lacking;
  for (const Json& dtype : device["not_reduced"]) {
    lacking += (lacking.empty() ? "" : ", ") + text_of(dtype);
  }
  return fmt::format(
      "queues: {}; host memory is {}; {}", text_of(device["queues"]),
      device["host_import"] ? "used where it lies" : "copied",
      lacking.empty() ? "reduces every dtype" : "reduced by the CPU instead: " + lacking);
}

std::string devices(const Json& list) {
  Rows rows;
  std::string paths;
  for (const Json& device : list) {
    if (device.contains("error")) {
      paths += "  " + text_of(device["name"]) + ": " + text_of(device["error"]) + '\n';
      continue;
    }
    rows.push_back({text_of(device["name"]), text_of(device["description"]),
                    text_of(device["driver"]), counted(device["compute_units"], "unit"),
                    bytes_text(device["memory_bytes"])});
    const std::string path = paths_of(device);
    if (!path.empty()) paths += "  " + text_of(device["name"]) + ": " + path + '\n';
  }
  return "devices (of rank 0)\n" + aligned(rows, 2) + paths;
}

std::string topology(const Json& machine) {
  Rows rows = {
      {"host", text_of(machine["hostname"])},
      {"memory", bytes_text(machine["memory_bytes"])},
      {"bound to", fmt::format("{} in {}, CPUs {}", counted(machine["cores"], "core"),
                               counted(machine["packages"], "package"), cpus_of(machine))}};
  for (const Json& node : machine["numa_nodes"]) {
    rows.push_back({fmt::format("NUMA {}", node["index"].get<std::uint64_t>()),
                    fmt::format("{}, CPUs {}", bytes_text(node["memory_bytes"]), cpus_of(node))});
  }
  return "topology (of rank 0's host)\n" + aligned(rows, 2);
}

/// "node-local, huge pages off (never)": whether the pages that a rank shares lie on its own NUMA
/// nodes, and what the kernel says of huge pages for shared memory.
std::string shared_memory(const Json& memory) {
  if (memory.contains("error")) return "none: " + text_of(memory["error"]);
  const Json& local = memory["node_local"];
  const std::string pages = local.is_null()     ? "NUMA placement unknown"
                            : local.get<bool>() ? "node-local"
                                                : "NOT node-local";
  return fmt::format("{}, huge pages {} ({})", pages,
                     memory["huge_pages"].get<bool>() ? "on" : "off",
                     text_of(memory["huge_page_setting"]));
}

std::string ranks(const Json& list) {
  Rows rows = {{"RANK", "PID", "HOST", "CORES", "CPUS", "NUMA", "SHARED MEMORY"}};
  for (const Json& rank : list) {
    rows.push_back({number_of(rank["rank"]), number_of(rank["pid"]), text_of(rank["hostname"]),
                    number_of(rank["cores"]), cpus_of(rank),
                    ranges(rank["numa_nodes"].get<Numbers>()),
                    shared_memory(rank["shared_memory"])});
  }
  return "ranks\n" + aligned(rows, 2);
}

std::string transports(const Json& list) {
  Rows rows = {{"RANK", "TRANSPORT", "SIGNALS BY", "MAPPED", "OVER THE NETWORK", "NETWORK"}};
  std::string errors;
  for (const Json& row : list) {
    if (row.contains("error")) {
      errors +=
          fmt::format("  error: rank {}: {}\n", number_of(row["rank"]), text_of(row["error"]));
      continue;
    }
    rows.push_back({number_of(row["rank"]), text_of(row["transport"]), text_of(row["signals"]),
                    ranges(row["mapped"].get<Numbers>()), ranges(row["network"].get<Numbers>()),
                    or_dash(text_of(row["fabric"]))});
  }
  return "transport of this job, and how each rank reaches the others\n" +
         (rows.size() > 1 ? aligned(rows, 2) : "") + errors;
}

/// One line per provider and reason: those on several interfaces share theirs.
std::string reasons(const Json& list) {
  Rows rows;
  std::set<std::vector<std::string>> seen;
  for (const Json& p : list) {
    const std::vector<std::string> row = {text_of(p["provider"]), text_of(p["reason"]),
                                          "orders: " + joined(p["order"])};
    if (seen.insert(row).second) rows.push_back(row);
  }
  return aligned(rows, 2);
}

/// One row per provider and domain: interfaces have several addresses.
Rows provider_rows(const Json& list) {
  Rows rows;
  for (const Json& p : list) {
    Rows::value_type row = {p["preferred"] ? "*" : "",
                            text_of(p["provider"]),
                            text_of(p["domain"]),
                            p["usable"] ? text_of(p["protocol"]) : "not usable",
                            bytes_text(p["ordered_bytes"]),
                            bytes_text(p["completion_data_bytes"]),
                            bytes_text(p["inject_bytes"]),
                            text_of(p["progress"]),
                            joined(p["memory"]),
                            or_dash(text_of(p["address"]))};
    const bool same = !rows.empty() && std::equal(row.begin(), row.end() - 1, rows.back().begin());
    if (same) {
      rows.back().back() += ' ' + row.back();
    } else {
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::string providers(const Json& list) {
  const std::string title =
      "providers of libfabric, best first (* is taken when none is named; the job chooses the "
      "address)\n";
  if (list.is_null()) return title + "  this build has no libfabric\n";
  if (list.is_object()) return title + "  error: " + text_of(list["error"]) + '\n';
  if (list.empty()) return title + "  none has reliable endpoints with one-sided writes\n";
  Rows rows = {{"", "PROVIDER", "DOMAIN", "SIGNALS BY", "ORDERED WRITES", "CQ DATA", "INJECT",
                "PROGRESS", "MR MODE", "ADDRESSES"}};
  for (auto& row : provider_rows(list)) rows.push_back(std::move(row));
  return title + aligned(rows, 2) + "\nwhy signals go that way\n" + reasons(list);
}

}  // namespace

std::string render(const Json& document) {
  struct Section {
    const char* key;
    std::string (*text)(const Json& part);
  };
  constexpr Section kSections[] = {{"config", config},         {"devices", devices},
                                   {"topology", topology},     {"ranks", ranks},
                                   {"transports", transports}, {"providers", providers}};
  std::string text;
  if (document.contains("version")) text += library(document);
  for (const Section& section : kSections) {
    if (!document.contains(section.key)) continue;
    if (!text.empty()) text += '\n';
    text += section.text(document[section.key]);
  }
  return text;
}

}  // namespace rlx::info
