#include "collectives/tuning_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "rlx/symmetric_transport.hpp"

namespace rlx::collectives {

namespace {

/// Calls that differ in nothing but the number of ranks.
bool alike(const TuningKey& a, TuningKey b) {
  b.ranks = a.ranks;
  return a == b;
}

std::string bytes_text(std::uint64_t bytes) {
  return bytes == kNoLimit ? "any length" : fmt::format("{} bytes", bytes);
}

TuningAnswer answer_of(const TuningEntry& entry, std::uint64_t bytes) {
  TuningAnswer answer{.stream_from = entry.stream_from, .why = {}};
  const auto found = std::ranges::lower_bound(entry.crossovers, bytes, {}, &Crossover::up_to);
  if (bytes < entry.from || found == entry.crossovers.end()) {
    answer.why = fmt::format("{}: measured from {} to {}", to_string(entry.key),
                             bytes_text(entry.from), bytes_text(entry.crossovers.back().up_to));
    return answer;
  }
  answer.crossover = &*found;
  answer.why = fmt::format("{}: {} up to {}", to_string(entry.key), found->algorithm,
                           bytes_text(found->up_to));
  return answer;
}

std::string counts_of(const std::vector<const TuningEntry*>& entries) {
  std::string text;
  for (const TuningEntry* entry : entries)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", entry->key.ranks);
  return text;
}

/// Both streamed from some length on: from the longer one on it is right for both.
std::optional<std::uint64_t> later(std::optional<std::uint64_t> a, std::optional<std::uint64_t> b) {
  if (!a || !b) return std::nullopt;
  return std::max(*a, *b);
}

}  // namespace

std::string topology_of(const TransportCapabilities& capabilities, bool load_store) {
  if (load_store) return std::string(kMappedTopology);
  if (capabilities.medium.empty()) return capabilities.name;
  return fmt::format("{}:{}", capabilities.name, capabilities.medium);
}

std::string_view to_string(MemoryKind kind) {
  return kind == MemoryKind::heap ? "heap" : "private";
}

std::string to_string(const TuningKey& key) {
  const std::string memory = key.input == key.output ? std::string(to_string(key.input))
                                                     : fmt::format("{} to {}", to_string(key.input),
                                                                   to_string(key.output));
  return fmt::format("{}, {} ranks, {}, {}, {}", to_string(key.collective), key.ranks, key.topology,
                     memory, key.in_place ? "in place" : "out of place");
}

void TuningTable::put(TuningEntry entry) {
  const auto at = std::ranges::lower_bound(entries_, entry.key, {}, &TuningEntry::key);
  if (at != entries_.end() && at->key == entry.key)
    *at = std::move(entry);
  else
    entries_.insert(at, std::move(entry));
}

const TuningEntry* TuningTable::find(const TuningKey& key) const {
  const auto at = std::ranges::lower_bound(entries_, key, {}, &TuningEntry::key);
  return at != entries_.end() && at->key == key ? &*at : nullptr;
}

TuningAnswer TuningTable::look_up(const TuningKey& key, std::uint64_t bytes) const {
  if (const TuningEntry* exact = find(key)) return answer_of(*exact, bytes);
  return between(key, bytes);
}

TuningAnswer TuningTable::between(const TuningKey& key, std::uint64_t bytes) const {
  std::vector<const TuningEntry*> others;  // ascending: ranks are compared before what is alike
  for (const TuningEntry& entry : entries_)
    if (alike(entry.key, key)) others.push_back(&entry);
  if (others.empty()) return {.why = fmt::format("not measured: {}", to_string(key))};
  const auto above = std::ranges::find_if(
      others, [&](const TuningEntry* entry) { return entry->key.ranks > key.ranks; });
  if (above == others.begin() || above == others.end())
    return {.why = fmt::format("{}: not within the measured numbers of ranks ({})", to_string(key),
                               counts_of(others))};
  const TuningAnswer low = answer_of(**(above - 1), bytes);
  const TuningAnswer high = answer_of(**above, bytes);
  const std::string neighbours =
      fmt::format("{} and {} ranks", (*(above - 1))->key.ranks, (*above)->key.ranks);
  if (low.crossover == nullptr || high.crossover == nullptr)
    return {.why =
                fmt::format("{}: not measured at this length for {}", to_string(key), neighbours)};
  if (low.crossover->algorithm != high.crossover->algorithm)
    return {.why = fmt::format("{}: {} differ, {} and {}", to_string(key), neighbours,
                               low.crossover->algorithm, high.crossover->algorithm)};
  return {high.crossover, later(low.stream_from, high.stream_from),
          fmt::format("{}: {}, as for {}", to_string(key), high.crossover->algorithm, neighbours)};
}

}  // namespace rlx::collectives
