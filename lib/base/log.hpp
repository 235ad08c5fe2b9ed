#pragma once
// Log lines of rlx on stderr. One logger per process, named rlx, of its own: it is not in the
// registry of a program that uses the same logging library.

#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace rlx::log {

enum class Level : int { debug = 0, info = 1, warn = 2, error = 3, off = 4 };

/// "error", "warn", "info", "debug", "off". Throws CollectiveError(InvalidArgument).
[[nodiscard]] Level parse_level(std::string_view name);
/// Process-wide; the first Context sets it from Config::log. Until then warnings are shown.
void set_level(Level level) noexcept;
void set_level(std::string_view name);
[[nodiscard]] bool enabled(Level level) noexcept;
void write(Level level, std::string_view line) noexcept;

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::warn)) write(Level::warn, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::error)) write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace rlx::log
