#include "tools/bench/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tools/bench/usage_error.hpp"

namespace rlx::bench {
namespace {

constexpr int kMostTries = 10'000;

}  // namespace

std::ofstream open_exclusively(const std::string& path) {
  for (int i = -1; i < kMostTries; ++i) {
    const std::string name = i < 0 ? path : fmt::format("{}.{}", path, i);
    const int fd = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST) continue;
    if (fd < 0) throw UsageError(fmt::format("-J {}: {}", name, std::strerror(errno)));
    close(fd);  // ours now: nobody else creates it
    return std::ofstream(name, std::ios::trunc);
  }
  throw UsageError(fmt::format("-J {}: {} files of that name exist", path, kMostTries));
}

}  // namespace rlx::bench
