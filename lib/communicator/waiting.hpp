#pragma once
// How to wait: spin while ranks fit their cores, yield at once when they do not, and sleep 50 us at
// a time after 10 ms, or, more briefly, for a while after two yields that took long.
//
// A yield among waiting ranks comes back within microseconds. One that took two milliseconds gave
// the core to somebody with work of his own, for his whole time slice, and each next hop of a call
// would pay that again. Who wakes from a sleep goes before him.
//
// One that took some microseconds let somebody else run who then waited, too: a rank of this job,
// which the ranks of this node need not know of. While yields do so, they come at once.

#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace rlx::detail {

/// What the waits of one Context have met: until when yields are expected to take long, because the
/// last two did; and until when there are others who wait on this core, because a yield let
/// one of them run.
class CrowdedCores {
 public:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool expected(Clock::time_point now) const noexcept {
    return now.time_since_epoch().count() < until_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool shared(Clock::time_point now) const noexcept {
    return now.time_since_epoch().count() < shared_until_.load(std::memory_order_relaxed);
  }
  /// A yield began and ended then.
  void yielded(Clock::time_point begin, Clock::time_point end) noexcept {
    const Clock::rep now = end.time_since_epoch().count();
    if (end - begin < kLong) {
      long_ones_.store(0, std::memory_order_relaxed);
      if (end - begin >= kTurn)
        shared_until_.store(now + count(kShared), std::memory_order_relaxed);
      return;
    }
    // One may be chance: somebody who came by. Two are company, for twice as long with each more:
    // who leaves soon is not slept for, and who stays does not get every other slice.
    const std::uint32_t before = long_ones_.load(std::memory_order_relaxed);
    long_ones_.store(before + 1, std::memory_order_relaxed);
    if (before == 0) return;
    const Clock::rep most = count(kMost);
    const std::uint32_t doubled = std::min(before - 1, kMostDoubled);
    until_.store(now + std::min(count(kLeast) << doubled, most), std::memory_order_relaxed);
  }

 private:
  static constexpr std::chrono::microseconds kTurn{2};
  static constexpr std::chrono::milliseconds kLong{2};
  static constexpr std::chrono::microseconds kLeast{100};
  static constexpr std::chrono::milliseconds kMost{50};
  static constexpr std::chrono::milliseconds kShared{50};
  static constexpr std::uint32_t kMostDoubled = 16;

  static constexpr Clock::rep count(Clock::duration duration) noexcept { return duration.count(); }

  std::atomic<Clock::rep> until_{0};
  std::atomic<Clock::rep> shared_until_{0};
  std::atomic<std::uint32_t> long_ones_{0};  // since one that was not
};

/// How long a wait spins before it yields.
enum class Spin : std::uint8_t {
  never,     ///< ranks take turns
  briefly,   ///< a look is a system call or several: some tens of microseconds, and not at all
             ///< while others wait on this core
  at_length  ///< a look is a load: as long
};

class Backoff {
 public:
  Backoff(Spin spin, CrowdedCores& crowded) : crowded_(crowded), spins_(spins(spin)) {
    if (spin == Spin::briefly && crowded.shared(Clock::now())) spins_ = 0;
  }

  void reset() noexcept {
    idle_ = 0;
    yields_ = 0;
    nap_ns_ = kFirstNapNs;
  }

  void pause() noexcept {
    if (++idle_ <= spins_) {
      if (idle_ > kBare) __builtin_ia32_pause();
      return;
    }
    const auto now = Clock::now();
    if (yields_++ % kYieldsPerLook == 0 && look(now)) return;
    if (crowded_.expected(now)) return nap_briefly();
    sched_yield();
    crowded_.yielded(now, Clock::now());
  }

 private:
  using Clock = CrowdedCores::Clock;
  static constexpr std::uint32_t kBare = 256;
  static constexpr std::uint32_t kSpins = 1000;
  static constexpr std::uint32_t kSpinsOfCalls = 32;
  static constexpr std::uint32_t kYieldsPerLook = 64;
  static constexpr std::chrono::milliseconds kYieldFor{10};
  static constexpr long kNapNs = 50'000;
  static constexpr long kFirstNapNs = 4'000;
  static constexpr long kLongestBriefNapNs = 16'000;

  static constexpr std::uint32_t spins(Spin spin) {
    if (spin == Spin::never) return 0;
    return spin == Spin::briefly ? kSpinsOfCalls : kSpins;
  }

  /// Sleeps, and says so, once 10 ms have gone by without anything moving.
  bool look(Clock::time_point now) noexcept {
    if (yields_ == 1) since_ = now;
    if (now - since_ < kYieldFor) return false;
    --yields_;  // look again after the sleep, not 64 yields later
    nap();
    return true;
  }

  static void nap() noexcept {
    const timespec time{0, kNapNs};
    nanosleep(&time, nullptr);
  }

  /// Long enough to be woken before whoever has the core, and no longer: calls go on meanwhile.
  /// Linux adds 50 us to a sleep, the thread's timer slack, if it is not told otherwise.
  void nap_briefly() noexcept {
    const int slack = prctl(PR_GET_TIMERSLACK);
    prctl(PR_SET_TIMERSLACK, 1UL);
    const timespec time{0, nap_ns_};
    nanosleep(&time, nullptr);
    if (slack > 0) prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack));
    nap_ns_ = std::min(2 * nap_ns_, kLongestBriefNapNs);
  }

  CrowdedCores& crowded_;
  std::uint32_t spins_;
  std::uint32_t idle_ = 0;
  std::uint32_t yields_ = 0;
  long nap_ns_ = kFirstNapNs;
  Clock::time_point since_;
};

}  // namespace rlx::detail
