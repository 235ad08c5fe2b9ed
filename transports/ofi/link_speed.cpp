#include "transports/ofi/link_speed.hpp"

#include <fmt/core.h>
#include <rdma/fi_errno.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <thread>

#include "rlx/config.hpp"
#include "transports/ofi/records.hpp"

namespace rlx::ofi {

namespace {

using Clock = std::chrono::steady_clock;

constexpr WindowNumber kDataWindow = 1;
constexpr std::size_t kPutBytes = std::size_t{128} << 10;
constexpr std::uint32_t kOutstanding = 16;  // puts that are not acknowledged, at most
constexpr std::uint32_t kMostPuts = 256;
constexpr std::chrono::milliseconds kEnough{4};
constexpr std::chrono::milliseconds kWarm{1};  // in which connections find their pace
/// All interfaces one after the other, so often: what disturbs lasts longer than a turn. The
/// fastest counts.
constexpr std::uint64_t kTurns = 4;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kSignalBytes = SignalRegion::bytes(kLinesPerGroup);
constexpr std::size_t kDataBegin = (kSignalBytes + kPage - 1) / kPage * kPage;
constexpr std::size_t kBytes = kDataBegin + 2 * kPutBytes;

/// My source writes the first and the last, my target the second.
enum Word : std::uint32_t { kData, kAcknowledged, kEnd };

/// Signals, what comes in, what goes out.
class TrialMemory {
 public:
  TrialMemory()
      : pages_(
            ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (pages_ == MAP_FAILED)
      throw CollectiveError(ErrorKind::OutOfMemory, "ofi",
                            fmt::format("no {} bytes to measure interfaces with", kBytes));
    std::fill_n(begin(), kBytes, std::byte{0});  // the pages are there before the clock runs
  }
  TrialMemory(const TrialMemory&) = delete;
  TrialMemory& operator=(const TrialMemory&) = delete;
  ~TrialMemory() { ::munmap(pages_, kBytes); }

  [[nodiscard]] std::span<std::byte> signals() const { return {begin(), kSignalBytes}; }
  [[nodiscard]] std::span<std::byte> data() const { return {begin() + kDataBegin, 2 * kPutBytes}; }
  [[nodiscard]] SignalRegion region() const { return {begin(), kLinesPerGroup}; }
  /// Lets signals of this epoch in. Before an exchange, after which the others send them.
  void open(std::uint64_t epoch) const {
    region().expected(0).store(SignalValue::make(epoch, 0, 0), std::memory_order_release);
  }
  /// Its contents are used no more; where nothing pins it, neither is its memory.
  void empty() const { ::madvise(pages_, kBytes, MADV_DONTNEED); }

 private:
  [[nodiscard]] std::byte* begin() const { return static_cast<std::byte*>(pages_); }
  void* pages_;
};

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

struct Partners {
  std::optional<Rank> target;
  std::optional<Rank> source;

  [[nodiscard]] std::vector<Rank> all() const {
    std::vector<Rank> ranks;
    if (target) ranks.push_back(*target);
    if (source && source != target) ranks.push_back(*source);
    return ranks;
  }
  [[nodiscard]] std::string text() const {
    return fmt::format("{}{}{}", target ? fmt::format("to rank {}", target->value()) : "",
                       target && source ? " and " : "",
                       source ? fmt::format("from rank {}", source->value()) : "");
  }
};

/// One interface.
class Trial {
 public:
  Trial(Rail& rail, const TrialMemory& memory, std::uint64_t epoch, const Partners& partners)
      : rail_(rail),
        memory_(memory),
        epoch_(epoch),
        target_(partners.target),
        source_(partners.source) {}

  /// Something of it, or a poll.
  void step() noexcept {
    if (target_) send();
    if (source_) acknowledge();
    if (!rail_.progress()) std::this_thread::yield();
  }
  [[nodiscard]] bool done() const noexcept {
    return (!target_ || ended_) && (!source_ || has(kEnd, 1)) && completion_.drained();
  }
  [[nodiscard]] bool lost() const noexcept {
    return (target_ && rail_.has_failed(*target_)) || (source_ && rail_.has_failed(*source_));
  }
  [[nodiscard]] double speed() const noexcept { return speed_; }

 private:
  [[nodiscard]] bool has(Word word, std::uint32_t part) const noexcept {
    const std::uint64_t value = memory_.region().word(word).load(std::memory_order_acquire);
    return SignalValue::reached(value, SignalValue::make(epoch_, part, 0));
  }
  bool signal(Rank to, Word word, std::uint32_t part, std::size_t bytes = 0) noexcept {
    const Signal signal{to, word, SignalValue::make(epoch_, part, 0)};
    const LocalRef from{memory_.data().data() + kPutBytes, bytes, kDataWindow};
    const Request request{OperationKind::put_signal, {to, kDataWindow, 0}, from, signal};
    return rail_.issue(request, completion_) == Issue::done;
  }
  [[nodiscard]] std::uint32_t parts_of(Word word) const noexcept {
    const std::uint64_t value = memory_.region().word(word).load(std::memory_order_acquire);
    return SignalValue::epoch(value) == epoch_ ? SignalValue::part(value) : 0;
  }
  void send() noexcept;
  void acknowledge() noexcept {
    while (has(kData, told_ + 1) && signal(*source_, kAcknowledged, told_ + 1)) ++told_;
  }

  Rail& rail_;
  const TrialMemory& memory_;
  std::uint64_t epoch_;
  std::optional<Rank> target_;
  std::optional<Rank> source_;
  Completion completion_;
  std::uint32_t sent_ = 0;  // parts of kData
  std::uint32_t told_ = 0;  // acknowledged of my source's
  Clock::time_point begin_{};
  Clock::time_point from_{};      // speed_ counts from here
  std::uint32_t from_parts_ = 0;  // acknowledged by then
  double speed_ = 0;
  bool ended_ = false;
};

// A put of nothing, which makes the connection; then more and more outstanding ones.
void Trial::send() noexcept {
  if (ended_) return;
  const std::uint32_t done = parts_of(kAcknowledged);
  if (done == 0) {
    if (sent_ == 0 && signal(*target_, kData, 1)) sent_ = 1;
    return;
  }
  const auto now = Clock::now();
  if (begin_ == Clock::time_point{}) begin_ = from_ = now, from_parts_ = done;
  const bool enough = now - begin_ >= kEnough || sent_ == kMostPuts;
  if (!enough) {
    if (from_ == begin_ && now - begin_ >= kWarm) from_ = now, from_parts_ = done;
    const bool room = sent_ - done < std::min(done, kOutstanding);
    if (room && signal(*target_, kData, sent_ + 1, kPutBytes)) ++sent_;
    return;
  }
  if (done < sent_) return;
  const std::chrono::duration<double, std::micro> took = now - from_;
  if (speed_ == 0) speed_ = static_cast<double>((done - from_parts_) * kPutBytes) / took.count();
  ended_ = signal(*target_, kEnd, 1);
}

/// My memory on this interface, for the others.
TrialReport offer(Rail& rail, const TrialMemory& memory) {
  TrialReport report;
  const std::span<std::byte> parts[] = {memory.signals(), memory.data()};
  for (const WindowNumber window : {kSignalWindow, kDataWindow}) {
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
  rail.admit(rank, kSignalWindow, {theirs.base[0], theirs.key[0], kSignalBytes});
  rail.admit(rank, kDataWindow, {theirs.base[1], theirs.key[1], 2 * kPutBytes});
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
        fmt::format("{} bytes on {} were not registered", kBytes,
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
  auto reports = exchange_records(bench.setup, mine);
  check(bench.setup, reports, problem);
  return reports;
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
  std::vector<double> figures(setup.size * rails.size());
  for (std::uint64_t turn = 0; turn < kTurns; ++turn) {
    for (std::size_t i = 0; i < rails.size(); ++i) {
      const auto reports = take_turn(bench, *rails[i], epoch++);
      for (std::size_t rank = 0; rank < setup.size; ++rank) {
        double& figure = figures[rank * rails.size() + i];
        figure = std::max(figure, reports[rank].speed);
      }
    }
  }
  for (Rail* const rail : rails)
    for (const Rank rank : bench.partners.all()) rail->forget(rank);
  memory->empty();
  return figures;
}

}  // namespace rlx::ofi
