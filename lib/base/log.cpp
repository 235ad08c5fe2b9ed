#include "lib/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "rlx/error.hpp"

namespace rlx::log {
namespace {

spdlog::level::level_enum native(Level level) noexcept {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      break;
  }
  return spdlog::level::off;
}

// Never destroyed: destructors of static objects may still log.
spdlog::logger& logger() noexcept {
  static spdlog::logger& instance = [&]() -> spdlog::logger& {
    auto sink =
        std::make_shared<spdlog::sinks::stderr_sink_mt>();  // shared: the logger's interface
    auto* made = new spdlog::logger("rlx", std::move(sink));
    made->set_pattern("rlx [%P] %l: %v");
    made->set_level(spdlog::level::warn);
    made->flush_on(spdlog::level::debug);
    return *made;
  }();
  return instance;
}

}  // namespace

Level parse_level(std::string_view name) {
  if (name == "debug") return Level::debug;
  if (name == "info") return Level::info;
  if (name == "warn") return Level::warn;
  if (name == "error") return Level::error;
  if (name == "off") return Level::off;
  throw CollectiveError(
      ErrorKind::InvalidArgument, "log level",
      fmt::format("unknown level \"{}\"; use one of error, warn, info, debug, off", name));
}

void set_level(Level level) noexcept { logger().set_level(native(level)); }

void set_level(std::string_view name) { set_level(parse_level(name)); }

bool enabled(Level level) noexcept { return logger().should_log(native(level)); }

void write(Level level, std::string_view line) noexcept {
  logger().log(native(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace rlx::log
