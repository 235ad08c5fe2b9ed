#include "tools/bench/sizes.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <limits>

#include "tools/bench/usage_error.hpp"

namespace rlx::bench {
namespace {

constexpr std::size_t kMostRows = 1'000'000;

int shift_of(char suffix) {
  switch (std::toupper(static_cast<unsigned char>(suffix))) {
    case 'K':
      return 10;
    case 'M':
      return 20;
    case 'G':
      return 30;
    case 'T':
      return 40;
    default:
      return 0;
  }
}

void check(const Sweep& sweep) {
  if (sweep.min_bytes > sweep.max_bytes) {
    throw UsageError(fmt::format(
        "-b {} is larger than -e {}: the sweep goes from -b/--minbytes to -e/--maxbytes",
        sweep.min_bytes, sweep.max_bytes));
  }
  if (sweep.factor == 1) {
    throw UsageError("-f 1 never reaches the end of the sweep: give a factor of at least 2");
  }
  if (sweep.factor == 0 && sweep.step_bytes == 0 && sweep.min_bytes < sweep.max_bytes) {
    throw UsageError("-i 0 never reaches the end of the sweep: give a step of at least 1 byte");
  }
}

}  // namespace

std::size_t parse_size(std::string_view text) {
  std::size_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  const int shift = suffix.empty() ? 0 : shift_of(suffix.front());
  if (shift > 0) suffix.remove_prefix(1);
  if (!suffix.empty() && (suffix == "B" || suffix == "b")) suffix = {};
  const bool fits = value <= std::numeric_limits<std::size_t>::max() >> shift;
  if (error != std::errc{} || !suffix.empty() || !fits) {
    throw UsageError(
        fmt::format("'{}' is not a size: give bytes, or a number with K, M or G (binary)", text));
  }
  return value << shift;
}

std::vector<std::size_t> sweep_sizes(const Sweep& sweep, std::size_t unit) {
  check(sweep);
  std::vector<std::size_t> sizes;
  std::size_t size = sweep.min_bytes;
  while (size <= sweep.max_bytes) {
    const std::size_t rounded = size / unit * unit;
    if (sizes.empty() || rounded != sizes.back()) sizes.push_back(rounded);
    if (sizes.size() > kMostRows) {
      throw UsageError(fmt::format("more than {} sizes between {} and {}: use -f or a larger -i",
                                   kMostRows, sweep.min_bytes, sweep.max_bytes));
    }
    if (sweep.factor == 0) {
      if (sweep.step_bytes == 0 || size > sweep.max_bytes - sweep.step_bytes) break;
      size += sweep.step_bytes;
    } else if (size == 0) {
      size = unit;
    } else {
      if (size > sweep.max_bytes / sweep.factor) break;
      size *= sweep.factor;
    }
  }
  return sizes;
}

}  // namespace rlx::bench
