#include "transports/ofi/shm_leftovers.hpp"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace rlx::ofi {

namespace {

namespace fs = std::filesystem;
constexpr ino_t kInitialPidNamespace = 0xEFFFFFFC;
constexpr ino_t kInitialIpcNamespace = 0xEFFFFFFF;

// The pid of "123:0:0"; nullopt for any other name.
std::optional<pid_t> owner_of(std::string_view name) {
  const auto colon = name.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  if (name.find_first_not_of("0123456789:") != std::string_view::npos) return std::nullopt;
  if (std::count(name.begin(), name.end(), ':') != 2) return std::nullopt;
  pid_t pid = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + colon, pid);
  if (parsed.ec != std::errc{} || pid <= 0) return std::nullopt;
  return pid;
}

struct ShmFile {
  fs::path path;
  pid_t owner = 0;
};

std::vector<ShmFile> my_files() {
  std::vector<ShmFile> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/dev/shm", ignored)) {
    const auto owner = owner_of(entry.path().filename().native());
    struct stat status {};
    if (!owner || ::lstat(entry.path().c_str(), &status) != 0) continue;
    if (S_ISREG(status.st_mode) && status.st_uid == ::geteuid())
      files.push_back({entry.path(), *owner});
  }
  return files;
}

ino_t inode(const char* path) {
  struct stat status {};
  return ::stat(path, &status) == 0 ? status.st_ino : 0;
}

bool exists(pid_t pid) { return ::kill(pid, 0) == 0 || errno != ESRCH; }

// The pids that processes of inner pid namespaces have there: names in a shared /dev/shm use those.
std::set<pid_t> inner_pids() {
  std::set<pid_t> pids;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    std::ifstream status(entry.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (!line.starts_with("NSpid:")) continue;
      std::istringstream numbers(line.substr(6));
      for (pid_t pid = 0; numbers >> pid;) pids.insert(pid);
      break;
    }
  }
  return pids;
}

std::size_t remove(const std::vector<ShmFile>& files, const std::set<pid_t>& dead) {
  std::size_t removed = 0;
  for (const ShmFile& file : files) {
    if (dead.contains(file.owner) && ::unlink(file.path.c_str()) == 0) ++removed;
  }
  return removed;
}

}  // namespace

std::size_t remove_shm_files_of(pid_t dead) noexcept {
  try {
    return remove(my_files(), {dead});
  } catch (const std::exception&) {
    return 0;  // out of memory: the next start removes them
  }
}

std::size_t remove_stale_shm_files() noexcept {
  try {
    if (inode("/proc/self/ns/pid") != kInitialPidNamespace &&
        inode("/proc/self/ns/ipc") == kInitialIpcNamespace)
      return 0;
    const auto files = my_files();
    std::set<pid_t> dead;
    for (const ShmFile& file : files) {
      if (!exists(file.owner)) dead.insert(file.owner);
    }
    if (dead.empty()) return 0;
    for (const pid_t pid : inner_pids()) dead.erase(pid);
    return remove(files, dead);
  } catch (const std::exception&) {
    return 0;
  }
}

}  // namespace rlx::ofi
