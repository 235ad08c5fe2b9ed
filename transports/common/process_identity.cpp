#include "transports/common/process_identity.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace rlx::detail {

namespace {

std::uint64_t inode(const char* path) {
  struct stat status {};
  return ::stat(path, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

std::uint64_t start_time_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string line(std::istreambuf_iterator<char>(file), {});
  // The command name may hold anything; what follows its last bracket is fields 3, 4, ...
  const auto bracket = line.rfind(')');
  if (bracket == std::string::npos) return 0;
  std::istringstream fields(line.substr(bracket + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  std::uint64_t ticks = 0;
  fields >> ticks;
  return ticks;
}

ProcessIdentity ProcessIdentity::mine() {
  ProcessIdentity me;
  ::gethostname(me.host.data(), me.host.size() - 1);
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::copy_n(boot.begin(), std::min(boot.size(), me.boot.size() - 1), me.boot.begin());
  me.pid_namespace = inode("/proc/self/ns/pid");
  me.net_namespace = inode("/proc/self/ns/net");
  me.pid = ::getpid();
  me.start_time = start_time_of(me.pid);
  return me;
}

}  // namespace rlx::detail
