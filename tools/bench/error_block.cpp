#include "tools/bench/error_block.hpp"

#include <fmt/format.h>

namespace rlx::bench {

std::string error_block(const CollectiveError& error, const std::string& who) {
  const ErrorDetails& details = error.details();
  std::string block = fmt::format("rlx-bench: {} stopped: {}\n", who, to_string(details.kind));
  const auto line = [&block](std::string_view key, std::string_view value) {
    if (!value.empty()) block += fmt::format("  {:<10} {}\n", key, value);
  };
  std::string ranks;
  for (const Rank rank : details.ranks) {
    ranks += fmt::format("{}{}", ranks.empty() ? "" : ", ", rank.value());
  }
  line("what", details.message);
  line("ranks", ranks);
  line("operation", details.operation);
  if (is_final(details.kind)) line("sequence", std::to_string(details.sequence));
  line("step", details.step);
  return block;
}

}  // namespace rlx::bench
