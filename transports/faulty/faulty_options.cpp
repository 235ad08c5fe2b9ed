#include "transports/faulty/faulty_options.hpp"

#include <fmt/core.h>

#include <charconv>
#include <string>

#include "rlx/error.hpp"

namespace rlx {

namespace {

constexpr std::string_view kWords =
    "delay=T, jitter=T, reorder, late, busy=P, progress, cqdata, drop=RANK@N, fail=RANK@N, seed=N "
    "(T: a number with ns, us, ms or s)";

[[noreturn]] void refuse(std::string_view word, std::string_view why) {
  throw CollectiveError(
      ErrorKind::InvalidArgument, "faulty",
      fmt::format("option '{}' of the faulty transport {}; there are: {}", word, why, kWords));
}

template <class Number>
Number number(std::string_view word, std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end) refuse(word, "has no valid number");
  return value;
}

std::chrono::nanoseconds duration(std::string_view word, std::string_view text) {
  struct Unit {
    std::string_view name;
    double nanoseconds;
  };
  constexpr Unit kUnits[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
  constexpr double kLongest = 3600e9;
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    const auto count = number<double>(word, text.substr(0, text.size() - unit.name.size()));
    const double nanoseconds = count * unit.nanoseconds;
    if (!(nanoseconds >= 0 && nanoseconds <= kLongest)) refuse(word, "is not within an hour");
    return std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
  }
  refuse(word, "has no unit");
}

FaultyOptions::PeerLimit peer_limit(std::string_view word, std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) refuse(word, "is not of the form RANK@N");
  return {Rank(number<std::uint32_t>(word, text.substr(0, at))),
          number<std::uint64_t>(word, text.substr(at + 1))};
}

double probability(std::string_view word, std::string_view text) {
  const auto value = number<double>(word, text);
  if (!(value >= 0 && value < 1)) refuse(word, "is not a probability below 1");
  return value;
}

void set_flag(FaultyOptions& options, std::string_view word) {
  if (word == "reorder") {
    options.reorder = true;
  } else if (word == "late") {
    options.late = true;
  } else if (word == "progress") {
    options.progress = true;
  } else if (word == "cqdata") {
    options.cqdata = true;
  } else {
    refuse(word, "is unknown");
  }
}

void set_value(FaultyOptions& options, std::string_view word, std::string_view name,
               std::string_view value) {
  if (name == "delay") {
    options.delay = duration(word, value);
  } else if (name == "jitter") {
    options.jitter = duration(word, value);
  } else if (name == "busy") {
    options.busy = probability(word, value);
  } else if (name == "drop") {
    options.drop = peer_limit(word, value);
  } else if (name == "fail") {
    options.fail = peer_limit(word, value);
  } else if (name == "seed") {
    options.seed = number<std::uint64_t>(word, value);
  } else {
    refuse(word, "is unknown");
  }
}

}  // namespace

FaultyOptions parse_faulty_options(std::string_view text) {
  FaultyOptions options;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) {
      set_flag(options, word);
    } else {
      set_value(options, word, word.substr(0, equals), word.substr(equals + 1));
    }
  }
  return options;
}

}  // namespace rlx
