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
constexpr std::size_t kShortest = std::size_t{64} << 10;
constexpr std::size_t kLongest = std::size_t{512} << 10;
constexpr std::chrono::milliseconds kEnough{4};
constexpr std::uint32_t kMostRounds = 12;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kSignalBytes = SignalRegion::bytes(kLinesPerGroup);
constexpr std::size_t kDataBegin = (kSignalBytes + kPage - 1) / kPage * kPage;
constexpr std::size_t kBytes = kDataBegin + 2 * kLongest;

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
  }
  TrialMemory(const TrialMemory&) = delete;
  TrialMemory& operator=(const TrialMemory&) = delete;
  ~TrialMemory() { ::munmap(pages_, kBytes); }

  [[nodiscard]] std::span<std::byte> signals() const { return {begin(), kSignalBytes}; }
  [[nodiscard]] std::span<std::byte> data() const { return {begin() + kDataBegin, 2 * kLongest}; }
  [[nodiscard]] SignalRegion region() const { return {begin(), kLinesPerGroup}; }
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
    const LocalRef from{memory_.data().data() + kLongest, bytes, kDataWindow};
    const Request request{OperationKind::put_signal, {to, kDataWindow, 0}, from, signal};
    return rail_.issue(request, completion_) == Issue::done;
  }
  void send() noexcept;
  void measure(std::chrono::duration<double, std::micro> took) noexcept;
  void acknowledge() noexcept {
    // Not the source's last word: its acknowledgement was awaited before that was sent.
    if (has(kData, acknowledged_ + 1) && signal(*source_, kAcknowledged, acknowledged_ + 1))
      ++acknowledged_;
  }

  Rail& rail_;
  const TrialMemory& memory_;
  std::uint64_t epoch_;
  std::optional<Rank> target_;
  std::optional<Rank> source_;
  Completion completion_;
  std::size_t bytes_ = 0;     // of a round; of the first, for which the connection is made, none
  std::size_t measured_ = 0;  // bytes that speed_ is of
  std::uint32_t sent_ = 0;    // rounds
  std::uint32_t acknowledged_ = 0;  // of my source's
  bool awaits_ = false;             // the acknowledgement of the last round
  bool ended_ = false;
  double speed_ = 0;
  Clock::time_point begin_;
  std::chrono::duration<double, std::micro> spent_{0};
};

// Rounds of twice the bytes of the one before until there is enough; the fastest of the longest
// counts, because what disturbs a round only makes it slower.
void Trial::send() noexcept {
  if (ended_) return;
  if (awaits_) {
    if (!has(kAcknowledged, sent_)) return;
    awaits_ = false;
    measure(Clock::now() - begin_);
  }
  if (spent_ >= kEnough || sent_ == kMostRounds) {
    ended_ = signal(*target_, kEnd, 1);
    return;
  }
  begin_ = Clock::now();
  awaits_ = signal(*target_, kData, sent_ + 1, bytes_);
  sent_ += awaits_ ? 1 : 0;
}

void Trial::measure(std::chrono::duration<double, std::micro> took) noexcept {
  if (bytes_ == 0) {
    bytes_ = kShortest;
    return;
  }
  const double speed = static_cast<double>(bytes_) / took.count();
  speed_ = measured_ == bytes_ ? std::max(speed_, speed) : speed;
  measured_ = bytes_;
  spent_ += took;
  if (bytes_ < kLongest && spent_ < kEnough) bytes_ *= 2;
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
  rail.admit(rank, kDataWindow, {theirs.base[1], theirs.key[1], 2 * kLongest});
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

/// One interface. What everybody reports of it.
std::vector<TrialReport> try_link(const TransportSetup& setup, const SymmetricTransport& owner,
                                  Rail& rail, const TrialMemory& memory, std::uint64_t epoch,
                                  const Partners& partners) {
  const std::string interface = rail.endpoint().candidate().domain();
  memory.region().expected(0).store(SignalValue::make(epoch, 0, 0), std::memory_order_release);
  TrialReport mine = offer(rail, memory);
  const auto offers = exchange_records(setup, mine);
  check(setup, offers, fmt::format("{} bytes on {} were not registered", kBytes, interface));
  for (const Rank rank : partners.all()) admit(rail, rank, offers[rank.index()].keys);

  Trial trial(rail, memory, epoch, partners);
  const double patience = setup.config->startup_timeout;
  const auto deadline = Clock::now() + std::chrono::duration<double>(patience);
  while (!trial.done() && !trial.lost() && Clock::now() < deadline) trial.step();
  const std::string problem = problem_of(trial, owner, partners, interface, patience);
  mine.speed = trial.speed();
  mine.failed = problem.empty() ? 0 : 1;
  mine.kind = trial.lost() ? ErrorKind::PeerFailed : ErrorKind::Timeout;
  const auto reports = exchange_records(setup, mine);
  check(setup, reports, problem);
  for (const Rank rank : partners.all()) rail.forget(rank);
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
  const Partners partners = partners_of(setup.rank, node_of);
  std::vector<double> figures(setup.size * rails.size());
  for (std::size_t i = 0; i < rails.size(); ++i) {
    const auto reports = try_link(setup, owner, *rails[i], *memory, i + 1, partners);
    for (std::size_t rank = 0; rank < setup.size; ++rank)
      figures[rank * rails.size() + i] = reports[rank].speed;
  }
  memory->empty();
  return figures;
}

}  // namespace rlx::ofi
