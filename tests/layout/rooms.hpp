#pragma once
// The rooms of the source tree and which way #include may point.

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rlx::testing {

/// Rooms of the same level never include each other; otherwise includes only go down.
struct Room {
  std::string_view name;
  std::string_view folder;
  int level;
};

inline constexpr Room kRooms[] = {
    {"base", "lib/base/", 0},
    {"driver", "lib/driver/", 1},
    {"symmetric", "lib/symmetric/", 2},
    {"collectives", "collectives/", 3},
    {"transports", "transports/", 3},
    {"bootstrap", "lib/bootstrap/", 3},
    {"communicator", "lib/communicator/", 4},
    {"capi", "lib/capi/", 5},
    {"tools", "tools/", 5},
    {"tests", "tests/", 6},
};

/// Public headers lie in one folder, so this table says where they belong.
inline const std::map<std::string_view, std::string_view> kPublicHeaders = {
    {"bootstrap.hpp", "bootstrap"},
    {"buffer.hpp", "driver"},
    {"buffer_collectives.hpp", "communicator"},
    {"buffer_view.hpp", "driver"},
    {"collectives.hpp", "communicator"},
    {"command_stream.hpp", "driver"},
    {"communicator.hpp", "communicator"},
    {"config.hpp", "base"},
    {"device.hpp", "driver"},
    {"device_arena.hpp", "driver"},
    {"dtype.hpp", "base"},
    {"error.hpp", "base"},
    {"launch.hpp", "communicator"},
    {"local_transport.hpp", "transports"},
    {"gathered.hpp", "base"},
    {"mpi.hpp", "communicator"},
    {"mpi_bootstrap.hpp", "bootstrap"},
    {"mpi_launcher.hpp", "bootstrap"},
    {"node_memory.hpp", "bootstrap"},
    {"rank.hpp", "base"},  // an error names ranks
    {"reduce_kind.hpp", "base"},
    {"request.hpp", "communicator"},
    {"rlx.hpp", "communicator"},
    {"shape.hpp", "base"},
    {"signal_region.hpp", "symmetric"},
    {"symmetric_allocator.hpp", "communicator"},
    {"symmetric_array.hpp", "symmetric"},
    {"symmetric_buffer.hpp", "symmetric"},
    {"symmetric_heap.hpp", "symmetric"},
    {"symmetric_transport.hpp", "symmetric"},
    {"topology.hpp", "base"},
    {"version.hpp", "base"},
};

inline constexpr std::string_view kPublicFolder = "include/rlx/";

inline const Room* room_named(std::string_view name) {
  const auto* found = std::ranges::find(kRooms, name, &Room::name);
  return found == std::end(kRooms) ? nullptr : found;
}

/// The room of a file by its path from the repository root; nullptr for files of none.
inline const Room* room_of(std::string_view path) {
  if (path.starts_with(kPublicFolder)) {
    const auto found = kPublicHeaders.find(path.substr(kPublicFolder.size()));
    return found == kPublicHeaders.end() ? nullptr : room_named(found->second);
  }
  const auto* found =
      std::ranges::find_if(kRooms, [&](const Room& room) { return path.starts_with(room.folder); });
  return found == std::end(kRooms) ? nullptr : found;
}

struct Include {
  std::string target;   ///< as written
  bool quoted = false;  ///< "..." rather than <...>
};

/// What a line includes, if it is an #include.
inline std::optional<Include> include_of(std::string_view line) {
  const auto skip = [&](std::string_view characters) {
    line.remove_prefix(std::min(line.find_first_not_of(characters), line.size()));
  };
  skip(" \t");
  if (!line.starts_with('#')) return {};
  skip("# \t");
  if (!line.starts_with("include")) return {};
  line.remove_prefix(7);
  skip(" \t");
  if (line.empty() || (line.front() != '"' && line.front() != '<')) return {};
  const bool quoted = line.front() == '"';
  const std::size_t end = line.find(quoted ? '"' : '>', 1);
  if (end == std::string_view::npos) return {};
  return Include{std::string(line.substr(1, end - 1)), quoted};
}

/// The path from the repository root that an include in `from` means; empty for foreign ones. A
/// bare file name is a neighbour in the same folder.
inline std::string path_of(std::string_view from, const Include& include) {
  if (include.target.starts_with("rlx/")) return "include/" + include.target;
  if (!include.quoted) return {};
  if (include.target.find('/') != std::string::npos) return include.target;
  return std::string(from.substr(0, from.rfind('/') + 1)) + include.target;
}

/// Why this include is not allowed; empty when it is.
inline std::string objection(std::string_view path, const Include& include) {
  const Room* from = room_of(path);
  const std::string target = path_of(path, include);
  if (from == nullptr || target.empty()) return {};
  const Room* to = room_of(target);
  if (to == nullptr) return "'" + include.target + "' is in no room; write paths from the root";
  if (from == to || to->level < from->level) return {};
  return std::string(from->name) + " may not include '" + include.target + "' of " +
         std::string(to->name);
}

/// Whether a public header other than rlx/mpi.hpp may not include this.
inline bool is_foreign_to_public_headers(const Include& include) {
  for (const std::string_view prefix :
       {"mpi", "rdma/", "hwloc", "vulkan", "fmt/", "spdlog/", "hwy/", "infiniband/"})
    if (include.target.starts_with(prefix)) return true;
  return false;
}

}  // namespace rlx::testing
