#include "transports/shm/memory_limits.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>

namespace rlx::shm {

namespace {

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

std::optional<std::size_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::size_t number = 0;
  if (file >> number) return number;
  return std::nullopt;  // no such file, or "max"
}

/// The number after `key` in lines of "key number".
std::size_t number_after(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::size_t number = 0;
    if (words >> name >> number && name == key) return number;
  }
  return 0;
}

std::size_t machine_room(const std::string& root) {
  const std::string path = root + "/proc/meminfo";
  const std::size_t available = number_after(path, "MemAvailable:");
  if (available == 0) return kUnlimited;
  return (available + number_after(path, "SwapFree:")) * 1024;
}

/// Names of the files of one version of control groups, and where its tree is.
struct GroupFiles {
  const char* mount;
  const char* limit;
  const char* usage;
  const char* reclaimable;  ///< in memory.stat: cached files that go when memory is asked for
};
constexpr GroupFiles kFirstVersion{"/sys/fs/cgroup/memory", "/memory.limit_in_bytes",
                                   "/memory.usage_in_bytes", "total_inactive_file"};
constexpr GroupFiles kSecondVersion{"/sys/fs/cgroup", "/memory.max", "/memory.current",
                                    "inactive_file"};

std::size_t room_of(const std::string& folder, const GroupFiles& files) {
  const auto limit = number_in(folder + files.limit);
  const auto usage = number_in(folder + files.usage);
  if (!limit || !usage) return kUnlimited;
  const std::size_t free = *limit > *usage ? *limit - *usage : 0;
  return free + std::min(*usage, number_after(folder + "/memory.stat", files.reclaimable));
}

/// The least room of a group and those above it. A container may not see its own path, but then the
/// top of what it sees is its own group.
std::size_t group_room(const std::string& root, const GroupFiles& files, std::string path) {
  std::size_t least = kUnlimited;
  for (;;) {
    if (path == "/") path.clear();
    least = std::min(least, room_of(root + files.mount + path, files));
    if (path.empty()) return least;
    path.resize(std::min(path.rfind('/'), path.size() - 1));
  }
}

std::string chosen_word(const std::string& path) {
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto begin = text.find('[');
  const auto end = text.find(']');
  if (begin == text.npos || end == text.npos || end < begin) return {};
  return text.substr(begin + 1, end - begin - 1);
}

}  // namespace

std::size_t available_memory(const std::string& root) {
  std::size_t least = machine_room(root);
  std::ifstream groups(root + "/proc/self/cgroup");
  // Lines are "number:controllers:path"; the second version has no controllers.
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) least = std::min(least, group_room(root, kSecondVersion, path));
    if (controllers == "memory") least = std::min(least, group_room(root, kFirstVersion, path));
  }
  return least;
}

HugePages huge_pages_of_shared_memory(const std::string& root) {
  const std::string folder = root + "/sys/kernel/mm/transparent_hugepage/";
  // Since 6.11 each size has a setting of its own, which may hand the question on.
  std::string setting = chosen_word(folder + "hugepages-2048kB/shmem_enabled");
  if (setting.empty() || setting == "inherit") setting = chosen_word(folder + "shmem_enabled");
  if (setting.empty()) return {false, "unknown"};
  return {setting != "never" && setting != "deny", setting};
}

}  // namespace rlx::shm
