#pragma once
// Message sizes: how they are written, and which ones a sweep visits.

#include <cstddef>
#include <string_view>
#include <vector>

namespace rlx::bench {

/// Bytes. "4096", "4K", "32M", "1G": suffixes are binary, in either case, an own "B" is allowed.
/// Throws UsageError naming the text.
[[nodiscard]] std::size_t parse_size(std::string_view text);

/// What -b, -e, -i and -f say.
struct Sweep {
  std::size_t min_bytes = std::size_t{32} << 20;
  std::size_t max_bytes = std::size_t{32} << 20;
  std::size_t step_bytes = std::size_t{1} << 20;
  std::size_t factor = 0;  ///< 0: steps of step_bytes
};

/// Total bytes of each row, ascending, without repetition. A row is a multiple of `unit`, the bytes
/// of one element per rank: sizes in between are rounded down. After size 0, a sweep by a factor
/// goes on with one element per rank.
/// Throws UsageError for a sweep that does not end or visits more than a million sizes.
[[nodiscard]] std::vector<std::size_t> sweep_sizes(const Sweep& sweep, std::size_t unit);

}  // namespace rlx::bench
