#include <fmt/format.h>

#include <charconv>

#include "tools/bench/options.hpp"
#include "tools/bench/usage_error.hpp"

namespace rlx::bench {

std::string_view to_string(LaunchKind kind) {
  constexpr std::string_view kNames[] = {"auto", "mpi", "threads", "fork", "rendezvous"};
  return kNames[static_cast<std::size_t>(kind)];
}

LaunchChoice parse_launch(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const bool counted = colon != std::string_view::npos;
  const std::string_view digits = counted ? text.substr(colon + 1) : std::string_view{};
  std::size_t ranks = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ranks);
  const bool number = error == std::errc{} && end == digits.data() + digits.size() && ranks > 0;

  if (name == "threads" && number) return {LaunchKind::threads, ranks};
  if (name == "fork" && number) return {LaunchKind::fork, ranks};
  if (!counted && name == "auto") return {};
  if (!counted && name == "mpi") return {LaunchKind::mpi, 0};
  if (!counted && name == "rendezvous") return {LaunchKind::rendezvous, 0};
  throw UsageError(fmt::format(
      "--launch {}: there are mpi, threads:N, fork:N, rendezvous and auto, with N at least 1",
      text));
}

}  // namespace rlx::bench
