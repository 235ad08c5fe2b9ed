#include "transports/ofi/link_speed.hpp"

#include <fmt/core.h>
#include <rdma/fi_errno.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <numeric>
#include <string>

#include "rlx/config.hpp"
#include "transports/ofi/link_trial.hpp"
#include "transports/ofi/rail_shares.hpp"
#include "transports/ofi/records.hpp"

namespace rlx::ofi {

namespace {

using Clock = std::chrono::steady_clock;
/// All interfaces one after the other, so often. What disturbs lasts longer than a turn.
constexpr std::size_t kTurns = 5;

/// What the others need to put to me on one interface, and how it went.
struct TrialKeys {
  std::uint64_t base[2] = {};
  std::uint64_t key[2] = {};
};
struct TrialReport {
  double speed = 0;
  TrialKeys keys;
  ErrorKind kind = ErrorKind::Timeout;
  std::uint8_t failed = 0;
};

/// My memory on this interface, for the others.
TrialReport offer(Rail& rail, const TrialMemory& memory) {
  TrialReport report;
  const std::span<std::byte> parts[] = {memory.signals(), memory.data()};
  for (const WindowNumber window : {kSignalWindow, kTrialWindow}) {
    const auto registered = rail.add_region(parts[window]);
    if (registered.error != 0) {
      report.failed = 1;
      report.kind = ErrorKind::OutOfMemory;
    }
    report.keys.base[window] = registered.base;
    report.keys.key[window] = registered.key;
    rail.set_descriptor(window, registered.descriptor);
  }
  rail.set_signals(memory.region());
  return report;
}

void admit(Rail& rail, Rank rank, const TrialKeys& theirs) {
  rail.admit(rank, kSignalWindow, {theirs.base[0], theirs.key[0], kTrialSignalBytes});
  rail.admit(rank, kTrialWindow, {theirs.base[1], theirs.key[1], kTrialDataBytes});
}

/// Tells what is wrong anywhere. Collective where anything is.
void check(const TransportSetup& setup, std::span<const TrialReport> reports,
           std::string_view problem) {
  std::vector<Rank> failed;
  for (std::size_t i = 0; i < reports.size(); ++i)
    if (reports[i].failed != 0) failed.emplace_back(static_cast<std::uint32_t>(i));
  if (failed.empty()) return;
  const auto texts = exchange_texts(setup, problem);
  const std::size_t first = failed[0].index();
  throw CollectiveError(
      reports[first].kind, "ofi",
      fmt::format("interfaces could not be measured, says rank {}: {}; name by RLX_INTERFACE those "
                  "that lead to all ranks",
                  first, texts[first]),
      failed);
}

std::string problem_of(const Trial& trial, const SymmetricTransport& owner,
                       const Partners& partners, std::string_view interface, double seconds) {
  if (trial.done()) return {};
  const auto failure = owner.failure();
  return fmt::format("puts over {} {} {}", interface, partners.text(),
                     trial.lost() && failure
                         ? fmt::format("failed: {}", failure->message)
                         : fmt::format("had no end in {} s (RLX_STARTUP_TIMEOUT)", seconds));
}

Partners partners_of(Rank me, std::span<const std::uint32_t> node_of) {
  const auto targets = put_targets(node_of);
  Partners partners{targets[me.index()], std::nullopt};
  const auto source = std::ranges::find(targets, std::optional<Rank>(me));
  if (source != targets.end())
    partners.source = Rank(static_cast<std::uint32_t>(source - targets.begin()));
  return partners;
}

/// What this rank measures with.
struct Bench {
  const TransportSetup& setup;
  const SymmetricTransport& owner;
  const TrialMemory& memory;
  Partners partners;
};

/// Lets the partners put to me on this interface, and me to them.
void join(const Bench& bench, Rail& rail) {
  const TrialReport mine = offer(rail, bench.memory);
  const auto offers = exchange_records(bench.setup, mine);
  check(bench.setup, offers,
        fmt::format("{} bytes on {} were not registered", kTrialDataBytes,
                    rail.endpoint().candidate().domain()));
  for (const Rank rank : bench.partners.all()) admit(rail, rank, offers[rank.index()].keys);
}

/// One turn on one interface. What everybody reports of it.
std::vector<TrialReport> take_turn(const Bench& bench, Rail& rail, std::uint64_t epoch) {
  Trial trial(rail, bench.memory, epoch, bench.partners);
  const double patience = bench.setup.config->startup_timeout;
  const auto deadline = Clock::now() + std::chrono::duration<double>(patience);
  while (!trial.done() && !trial.lost() && Clock::now() < deadline) trial.step();
  const std::string problem = problem_of(trial, bench.owner, bench.partners,
                                         rail.endpoint().candidate().domain(), patience);
  TrialReport mine;
  mine.speed = trial.speed();
  mine.failed = problem.empty() ? 0 : 1;
  mine.kind = trial.lost() ? ErrorKind::PeerFailed : ErrorKind::Timeout;
  bench.memory.open(epoch + 1);
  const auto reports = exchange_records(bench.setup, mine);
  check(bench.setup, reports, problem);
  return {reports.begin(), reports.end()};
}

}  // namespace

std::vector<std::optional<Rank>> put_targets(std::span<const std::uint32_t> node_of) {
  std::map<std::uint32_t, std::size_t> ranks_on;
  std::size_t largest = 0;
  for (const std::uint32_t node : node_of) largest = std::max(largest, ++ranks_on[node]);
  std::vector<std::uint32_t> ordered(node_of.size());
  std::iota(ordered.begin(), ordered.end(), 0U);
  std::ranges::stable_sort(ordered, [&](auto a, auto b) { return node_of[a] < node_of[b]; });
  std::vector<std::optional<Rank>> targets(node_of.size());
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    const std::uint32_t target = ordered[(i + largest) % ordered.size()];
    if (node_of[target] != node_of[ordered[i]]) targets[ordered[i]] = Rank(target);
  }
  return targets;
}

std::vector<double> measure_links(const TransportSetup& setup, SymmetricTransport& owner,
                                  std::span<Rail* const> rails,
                                  std::span<const std::uint32_t> node_of) {
  const auto memory = std::make_shared<TrialMemory>();
  owner.keep(memory);
  const Bench bench{setup, owner, *memory, partners_of(setup.rank, node_of)};
  std::uint64_t epoch = 1;
  memory->open(epoch);
  for (Rail* const rail : rails) join(bench, *rail);
  std::vector<std::vector<double>> turns(setup.size);  // of each rank, turn after turn
  for (std::size_t turn = 0; turn < kTurns; ++turn)
    for (Rail* const rail : rails)
      for (std::size_t rank = 0; const TrialReport& report : take_turn(bench, *rail, epoch++))
        turns[rank++].push_back(report.speed);
  std::vector<double> figures;
  for (const auto& theirs : turns)
    for (const double speed : steady_speeds(theirs, rails.size())) figures.push_back(speed);
  for (Rail* const rail : rails)
    for (const Rank rank : bench.partners.all()) rail->forget(rank);
  memory->empty();
  return figures;
}

}  // namespace rlx::ofi
