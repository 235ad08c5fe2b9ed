#include "transports/ofi/link_trial.hpp"

#include <fmt/core.h>
#include <sys/mman.h>

#include <algorithm>
#include <thread>

#include "rlx/error.hpp"
#include "transports/ofi/rail_shares.hpp"

namespace rlx::ofi {

namespace {

constexpr std::uint32_t kOutstanding = 16;  // puts that are not acknowledged, at most
constexpr std::chrono::milliseconds kLongestTurn{12};
constexpr std::size_t kPage = 4096;
constexpr std::size_t kDataBegin = (kTrialSignalBytes + kPage - 1) / kPage * kPage;
constexpr std::size_t kBytes = kDataBegin + kTrialDataBytes;

}  // namespace

TrialMemory::TrialMemory()
    : pages_(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
  if (pages_ == MAP_FAILED)
    throw CollectiveError(ErrorKind::OutOfMemory, "ofi",
                          fmt::format("no {} bytes to measure interfaces with", kBytes));
  std::fill_n(begin(), kBytes, std::byte{0});  // the pages are there before the clock runs
}

TrialMemory::~TrialMemory() { ::munmap(pages_, kBytes); }

std::span<std::byte> TrialMemory::data() const { return {begin() + kDataBegin, kTrialDataBytes}; }

std::span<std::byte> TrialMemory::outgoing() const { return data().subspan(kTrialPutBytes); }

void TrialMemory::open(std::uint64_t epoch) const {
  region().expected(0).store(SignalValue::make(epoch, 0, 0), std::memory_order_release);
}

void TrialMemory::empty() const { ::madvise(pages_, kBytes, MADV_DONTNEED); }

std::vector<Rank> Partners::all() const {
  std::vector<Rank> ranks;
  if (target) ranks.push_back(*target);
  if (source && source != target) ranks.push_back(*source);
  return ranks;
}

std::string Partners::text() const {
  return fmt::format("{}{}{}", target ? fmt::format("to rank {}", target->value()) : "",
                     target && source ? " and " : "",
                     source ? fmt::format("from rank {}", source->value()) : "");
}

Trial::Trial(Rail& rail, const TrialMemory& memory, std::uint64_t epoch, const Partners& partners)
    : rail_(rail),
      memory_(memory),
      epoch_(epoch),
      target_(partners.target),
      source_(partners.source) {
  speeds_.reserve(kTrialPuts);
}

void Trial::step() noexcept {
  if (!rail_.progress()) std::this_thread::yield();
  if (source_) acknowledge();
  if (target_ && !ended_) send();
}

bool Trial::done() const noexcept {
  return (!target_ || ended_) && (!source_ || parts_of(kEnd) > 0) && completion_.drained();
}

bool Trial::lost() const noexcept {
  return (target_ && rail_.has_failed(*target_)) || (source_ && rail_.has_failed(*source_));
}

double Trial::speed() const {
  const auto later = static_cast<std::ptrdiff_t>(speeds_.size() / 2);
  return median_of({speeds_.begin() + later, speeds_.end()});
}

std::uint32_t Trial::parts_of(Word word) const noexcept {
  const std::uint64_t value = memory_.region().word(word).load(std::memory_order_acquire);
  return SignalValue::epoch(value) == epoch_ ? SignalValue::part(value) : 0;
}

bool Trial::signal(Rank to, Word word, std::uint32_t part, std::size_t bytes) noexcept {
  const Signal signal{to, word, SignalValue::make(epoch_, part, 0)};
  const LocalRef from{memory_.outgoing().data(), bytes, kTrialWindow};
  const Request request{OperationKind::put_signal, {to, kTrialWindow, 0}, from, signal};
  return rail_.issue(request, completion_) == Issue::done;
}

void Trial::acknowledge() noexcept {
  while (told_ < parts_of(kData) && signal(*source_, kAcknowledged, told_ + 1)) ++told_;
}

void Trial::send() noexcept {
  const std::uint32_t acknowledged = parts_of(kAcknowledged);
  if (acknowledged == 0) {
    if (sent_ == 0 && signal(*target_, kData, 1)) sent_ = 1;
    return;
  }
  const auto now = Clock::now();
  if (!begin_) begin_ = now;
  count(acknowledged, now);
  const bool enough = sent_ == kTrialPuts + 1 || now - *begin_ >= kLongestTurn;
  const bool room = sent_ - acknowledged < kOutstanding;
  if (!enough && room && signal(*target_, kData, sent_ + 1, kTrialPutBytes))
    puts_[++sent_] = {now, acknowledged};
  if (enough && acknowledged == sent_) ended_ = signal(*target_, kEnd, 1);
}

void Trial::count(std::uint32_t acknowledged, Clock::time_point now) noexcept {
  while (counted_ < acknowledged) {
    const Put& put = puts_[++counted_];
    const std::chrono::duration<double, std::micro> took = now - put.begin;
    speeds_.push_back(static_cast<double>((acknowledged - put.acknowledged) * kTrialPutBytes) /
                      took.count());
  }
}

}  // namespace rlx::ofi
