#include "lib/base/config_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <vector>

namespace rlx::detail {
namespace {

constexpr std::string_view kUnits = "KMGT";  // 2^10, 2^20, 2^30, 2^40

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

// The shift that "", "K", "MiB", "gb" stand for; -1 for anything else.
int shift_of_unit(std::string_view unit) {
  if (unit.empty() || unit == "B" || unit == "b") return 0;
  const char letter = unit.front() >= 'a' ? static_cast<char>(unit.front() - 'a' + 'A') : unit[0];
  const std::size_t place = kUnits.find(letter);
  const std::string rest = lower(unit.substr(1));
  if (place == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib")) return -1;
  return static_cast<int>(10 * (place + 1));
}

}  // namespace

std::string parse_word(std::string_view text, const Words& allowed) {
  std::vector<std::string_view> choices(allowed.begin(), allowed.end());
  std::erase(choices, std::string_view{});
  if (choices.empty()) return std::string(text);
  if (std::ranges::find(choices, text) != choices.end()) return std::string(text);
  throw Rejected{fmt::format("use one of {}", fmt::join(choices, ", "))};
}

std::int64_t parse_integer(std::string_view text, std::int64_t least, std::int64_t most) {
  const std::string_view digits = trimmed(text);
  const char* end = digits.data() + digits.size();
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error == std::errc{} && stop == end && value >= least && value <= most) return value;
  throw Rejected{fmt::format("use a whole number from {} to {}", least, most)};
}

std::size_t parse_bytes(std::string_view text, std::size_t least, std::size_t most,
                        std::size_t multiple) {
  const std::string_view whole = trimmed(text);
  const char* end = whole.data() + whole.size();
  std::size_t value = 0;
  const auto [stop, error] = std::from_chars(whole.data(), end, value);
  const int shift = shift_of_unit(trimmed({stop, static_cast<std::size_t>(end - stop)}));
  const bool fits = error == std::errc{} && shift >= 0 && value <= (most >> shift);
  const std::size_t bytes = fits ? value << shift : 0;
  if (fits && bytes >= least && bytes % multiple == 0) return bytes;
  throw Rejected{fmt::format("use {} to {} bytes, a multiple of {}; units: K, M, G, T",
                             print_bytes(least), print_bytes(most), multiple)};
}

bool parse_switch(std::string_view text) {
  const std::string word = lower(trimmed(text));
  for (const std::string_view yes : {"on", "1", "true", "yes"}) {
    if (word == yes) return true;
  }
  for (const std::string_view no : {"off", "0", "false", "no"}) {
    if (word == no) return false;
  }
  throw Rejected{"use on or off (or 1, 0, true, false, yes, no)"};
}

double parse_seconds(std::string_view text, double least, double most) {
  const std::string_view digits = trimmed(text);
  const char* end = digits.data() + digits.size();
  double value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  const bool read = error == std::errc{} && stop == end && std::isfinite(value);
  if (read && value >= least && value <= most) return value;
  throw Rejected{fmt::format("use seconds from {} to {}, decimals allowed", least, most)};
}

std::string print_bytes(std::size_t bytes) {
  for (std::size_t place = kUnits.size(); place > 0; --place) {
    const std::size_t unit = std::size_t{1} << (10 * place);
    if (bytes != 0 && bytes % unit == 0)
      return fmt::format("{}{}", bytes / unit, kUnits[place - 1]);
  }
  return fmt::to_string(bytes);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j + 1] + 1, row[j] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace rlx::detail
