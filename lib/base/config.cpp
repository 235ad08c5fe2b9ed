#include "rlx/config.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <mutex>
#include <set>
#include <variant>
#include <vector>

#include "lib/base/config_values.hpp"
#include "lib/base/log.hpp"
#include "rlx/error.hpp"

namespace rlx {
namespace {

using detail::Words;

constexpr std::string_view kPrefix = "RLX_";
constexpr double kLongTime = 1e9;  // seconds

struct TextField {
  std::string Config::*member;
  Words allowed{};  // empty: anything; what it may be is known by whoever uses it
};
struct BytesField {
  std::size_t Config::*member;
  std::size_t least;
  std::size_t most;
  std::size_t multiple;
};
struct CountField {
  std::uint32_t Config::*member;
  std::uint32_t least;
  std::uint32_t most;
};
struct SwitchField {
  bool Config::*member;
};
struct SecondsField {
  double Config::*member;
  double least;
};
struct RankField {  // -1: not given
  std::int64_t Config::*member;
};
using Field = std::variant<TextField, BytesField, CountField, SwitchField, SecondsField, RankField>;

struct Knob {
  ConfigEntry entry;
  Field field;
};

// The table. A knob is one line here and one member of Config.
constexpr Knob kKnobs[] = {
    {{"RLX_LOG", "what is logged: error, warn, info or debug", false},
     TextField{&Config::log, {"error", "warn", "info", "debug"}}},
    {{"RLX_TRANSPORT",
      "transport: auto, shm (one node), hybrid (shm and ofi), ofi, local (threads)", true},
     TextField{&Config::transport}},
    {{"RLX_PROVIDER", "libfabric provider, for ofi; empty: the best found", true},
     TextField{&Config::provider}},
    {{"RLX_INTERFACE",
      "network interfaces, or rank 0's addresses, as eth0,eth1; empty: the best found", true},
     TextField{&Config::interface}},
    {{"RLX_RAILS",
      "endpoints of each rank in the network, 1 to 8, on the interfaces in turn; at least as many "
      "as RLX_INTERFACE names",
      true},
     CountField{&Config::rails, 1, 8}},
    {{"RLX_NODES", "for tests: nodes to pretend on one machine, by rank and repeated, as 0,0,1",
      true},
     TextField{&Config::nodes}},
    {{"RLX_ALGORITHM", "forced algorithms: \"ring\" or \"all_reduce=ring,all_gather=bruck\"", true},
     TextField{&Config::algorithm}},
    {{"RLX_TUNING", "rank 0's table from rlx-bench --tune; off: none; empty: the installed one",
      false},
     TextField{&Config::tuning}},
    {{"RLX_HEAP_LIMIT", "bytes of addresses reserved for symmetric memory (K, M, G, T)", true},
     BytesField{&Config::heap_limit, std::size_t{1} << 20, std::size_t{1} << 46, 4096}},
    {{"RLX_SLOT", "bytes of scratch of one epoch (K, M, G)", true},
     BytesField{&Config::slot_bytes, 64, std::size_t{1} << 30, 64}},
    {{"RLX_WINDOW", "epochs (pieces, calls) in flight, 1 to 16", true},
     CountField{&Config::window, 1, 16}},
    {{"RLX_SINGLE_COPY", "private memory on a node is read with one copy where allowed: on or off",
      true},
     SwitchField{&Config::single_copy}},
    {{"RLX_REGISTER",
      "private memory of long calls over a network is registered for each: on or off", true},
     SwitchField{&Config::register_private}},
    {{"RLX_HELPER", "helper thread that polls when nobody does: on or off", false},
     SwitchField{&Config::helper}},
    {{"RLX_PROGRESS",
      "thread that polls while calls are in flight: off, spare (where a core has no rank) or on",
      false},
     TextField{&Config::progress, {"off", "spare", "on"}}},
    {{"RLX_KNOCK_AFTER", "seconds of waiting before the awaited peer is asked", true},
     SecondsField{&Config::knock_after, 0}},
    {{"RLX_WARN_AFTER", "seconds before a peer that did not arrive is named in the log", true},
     SecondsField{&Config::warn_after, 0}},
    {{"RLX_TIMEOUT", "seconds until a live peer that does not arrive is an error", true},
     SecondsField{&Config::timeout, 1e-3}},
    {{"RLX_STALL_TIMEOUT", "seconds without progress after arrival until it is an error", true},
     SecondsField{&Config::stall_timeout, 1e-3}},
    {{"RLX_STARTUP_TIMEOUT", "seconds for each phase of wiring", false},
     SecondsField{&Config::startup_timeout, 1e-3}},
    {{"RLX_RENDEZVOUS", "host:port of rank 0, to start without MPI", false},
     TextField{&Config::rendezvous}},
    {{"RLX_RANK", "this process's rank under RLX_RENDEZVOUS", false}, RankField{&Config::rank}},
    {{"RLX_SIZE", "number of ranks under RLX_RENDEZVOUS", false}, RankField{&Config::size}},
};

constexpr auto kEntries = [] {
  std::array<ConfigEntry, std::size(kKnobs)> entries{};
  std::ranges::transform(kKnobs, entries.begin(), &Knob::entry);
  return entries;
}();

// Sets a member from text; the parsers throw detail::Rejected, which says what is accepted.
struct Setter {
  Config& config;
  std::string_view text;

  void operator()(const TextField& field) const {
    config.*field.member = detail::parse_word(text, field.allowed);
  }
  void operator()(const BytesField& field) const {
    config.*field.member = detail::parse_bytes(text, field.least, field.most, field.multiple);
  }
  void operator()(const CountField& field) const {
    config.*field.member =
        static_cast<std::uint32_t>(detail::parse_integer(text, field.least, field.most));
  }
  void operator()(const SwitchField& field) const {
    config.*field.member = detail::parse_switch(text);
  }
  void operator()(const SecondsField& field) const {
    config.*field.member = detail::parse_seconds(text, field.least, kLongTime);
  }
  void operator()(const RankField& field) const {
    config.*field.member = detail::parse_integer(text, -1, 0xffff'ffffLL);
  }
};

struct Getter {
  const Config& config;

  std::string operator()(const TextField& field) const { return config.*field.member; }
  std::string operator()(const BytesField& field) const {
    return detail::print_bytes(config.*field.member);
  }
  std::string operator()(const SwitchField& field) const {
    return config.*field.member ? "on" : "off";
  }
  std::string operator()(const CountField& field) const {
    return fmt::to_string(config.*field.member);
  }
  std::string operator()(const SecondsField& field) const {
    return fmt::to_string(config.*field.member);
  }
  std::string operator()(const RankField& field) const {
    return fmt::to_string(config.*field.member);
  }
};

const Knob* find_knob(std::string_view name) {
  const auto* found = std::ranges::find(kKnobs, name, [](const Knob& k) { return k.entry.name; });
  return found == std::end(kKnobs) ? nullptr : found;
}

std::string_view nearest_name(std::string_view name) {
  const auto distance = [name](const Knob& k) { return detail::edit_distance(name, k.entry.name); };
  return std::ranges::min_element(kKnobs, {}, distance)->entry.name;
}

const Knob& knob_named(std::string_view name) {
  if (const Knob* knob = find_knob(name)) return *knob;
  throw CollectiveError(
      ErrorKind::InvalidArgument, "Config",
      fmt::format("there is no knob \"{}\"; the nearest is {}", name, nearest_name(name)));
}

// Every Config is read from the environment, one per rank and more: say it once in a process.
void warn_unknown(std::string_view name) {
  static std::mutex mutex;
  static std::set<std::string, std::less<>> said;
  const std::scoped_lock lock(mutex);
  if (!said.emplace(name).second) return;
  log::warn("the environment variable {} is unknown and ignored; did you mean {}?", name,
            nearest_name(name));
}

}  // namespace

Config Config::from_environment() {
  Config config;
  std::vector<std::string_view> unknown;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::size_t equals = text.find('=');
    if (!text.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    const std::string_view name = text.substr(0, equals);
    if (find_knob(name) == nullptr) {
      unknown.push_back(name);
    } else {
      config.set(name, text.substr(equals + 1));
    }
  }
  if (config.log != "error") std::ranges::for_each(unknown, warn_unknown);
  return config;
}

void Config::set(std::string_view name, std::string_view value) {
  const Knob& knob = knob_named(name);
  try {
    std::visit(Setter{*this, value}, knob.field);
  } catch (const detail::Rejected& rejected) {
    throw CollectiveError(ErrorKind::InvalidArgument, "Config",
                          fmt::format("{}=\"{}\" is not accepted: {} ({})", name, value,
                                      rejected.accepted, knob.entry.help));
  }
}

std::string Config::get(std::string_view name) const {
  return std::visit(Getter{*this}, knob_named(name).field);
}

std::span<const ConfigEntry> config_entries() { return kEntries; }

}  // namespace rlx
