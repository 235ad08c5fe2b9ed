#include "lib/communicator/tuning_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "lib/base/log.hpp"
#include "rlx/error.hpp"

namespace rlx::detail {
namespace {

using collectives::TuningTable;

/// At a time: where a bootstrap has no better way, every rank receives so much from every other.
constexpr std::size_t kPartBytes = 4096;

/// What rank 0 says of its file: a mark, the file's name and a line end, then text.
constexpr char kTable = 'T';
constexpr char kError = 'E';

/// Rank 0 alone: what everybody is to know. Empty: there is no table.
std::string tuning_message(const Config& config) {
  try {
    const auto path = tuning_path(config);
    if (!path) return {};
    std::string text = read_tuning(*path);
    static_cast<void>(TuningTable::parse(text, *path));
    log::info("algorithms as measured in {}", *path);
    return fmt::format("{}{}\n{}", kTable, *path, text);
  } catch (const CollectiveError& error) {
    return fmt::format("{}{}", kError, error.details().message);
  }
}

}  // namespace

std::optional<std::string> tuning_path(const Config& config) {
  if (config.tuning == "off") return std::nullopt;
  if (!config.tuning.empty()) return config.tuning;
  std::error_code unreachable;
  const std::string installed(installed_tuning_path());
  if (!std::filesystem::exists(installed, unreachable)) return std::nullopt;
  return installed;
}

std::string read_tuning(const std::string& path) {
  std::error_code unknown;
  int why = std::filesystem::is_directory(path, unknown) ? EISDIR : 0;
  if (why == 0) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (file.is_open()) return {std::istreambuf_iterator<char>(file), {}};
    why = errno;
  }
  throw CollectiveError(
      ErrorKind::InvalidArgument, "tuning",
      fmt::format("{} can not be read ({}); make one with rlx-bench --tune={}, or set "
                  "RLX_TUNING=off",
                  path, std::strerror(why), path));
}

std::string broadcast_text(Bootstrap& bootstrap, std::string_view mine) {
  std::uint64_t length = mine.size();
  bootstrap.broadcast(std::as_writable_bytes(std::span(&length, 1)));
  std::string text(length, '\0');
  for (std::size_t done = 0; done < text.size(); done += kPartBytes) {
    const auto part = std::span(text).subspan(done, std::min(kPartBytes, text.size() - done));
    if (bootstrap.rank() == Rank(0))
      std::ranges::copy(mine.substr(done, part.size()), part.begin());
    bootstrap.broadcast(std::as_writable_bytes(part));
  }
  return text;
}

std::shared_ptr<const TuningTable> agree_on_tuning(Bootstrap& bootstrap, const Config& config) {
  const bool reads = bootstrap.rank() == Rank(0);
  const std::string message =
      broadcast_text(bootstrap, reads ? tuning_message(config) : std::string());
  if (message.empty()) return nullptr;
  const std::string_view body = std::string_view(message).substr(1);
  if (message.front() == kError)
    throw CollectiveError(ErrorKind::InvalidArgument, "wiring", std::string(body), {Rank(0)});
  const std::size_t end = body.find('\n');
  return std::make_shared<const TuningTable>(
      TuningTable::parse(body.substr(end + 1), body.substr(0, end)));
}

}  // namespace rlx::detail
