#pragma once
// How to wait: spin while ranks fit their cores, yield at once when they do not, and sleep 50 us at
// a time after 10 ms, or for a while after two yields that took long.
//
// A yield among waiting ranks comes back within microseconds. One that took two milliseconds gave
// the core to somebody with work of his own, for his whole time slice, and each next hop of a call
// would pay that again. Who wakes from a sleep goes before him.

#include <sched.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

namespace rlx::detail {

/// What the waits of one Context have met: until when yields are expected to take long, because two
/// in short order did.
class CrowdedCores {
 public:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool expected(Clock::time_point now) const noexcept {
    return now.time_since_epoch().count() < until_.load(std::memory_order_relaxed);
  }
  /// A yield began and ended then.
  void yielded(Clock::time_point begin, Clock::time_point end) noexcept {
    if (end - begin < kLong) return;
    // One may be chance: somebody who came by. Two are company.
    const Clock::rep before = last_long_.exchange(end.time_since_epoch().count());
    if (begin.time_since_epoch().count() - before > Clock::duration(kTogether).count()) return;
    until_.store((end + kRemembered).time_since_epoch().count(), std::memory_order_relaxed);
  }

 private:
  static constexpr std::chrono::milliseconds kLong{2};
  static constexpr std::chrono::milliseconds kTogether{20};
  static constexpr std::chrono::milliseconds kRemembered{50};

  std::atomic<Clock::rep> until_{0};
  std::atomic<Clock::rep> last_long_{std::numeric_limits<Clock::rep>::min() / 2};
};

/// How long a wait spins before it yields.
enum class Spin : std::uint8_t {
  never,     ///< ranks take turns
  briefly,   ///< a look is a system call or several: some tens of microseconds
  at_length  ///< a look is a load: as long
};

class Backoff {
 public:
  Backoff(Spin spin, CrowdedCores& crowded) : crowded_(crowded), spins_(spins(spin)) {}

  void reset() noexcept {
    idle_ = 0;
    yields_ = 0;
  }

  void pause() noexcept {
    if (++idle_ <= spins_) {
      if (idle_ > kBare) __builtin_ia32_pause();
      return;
    }
    const auto now = Clock::now();
    if (yields_++ % kYieldsPerLook == 0 && look(now)) return;
    if (crowded_.expected(now)) return nap();
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
    const timespec time{0, 50'000};
    nanosleep(&time, nullptr);
  }

  CrowdedCores& crowded_;
  std::uint32_t spins_;
  std::uint32_t idle_ = 0;
  std::uint32_t yields_ = 0;
  Clock::time_point since_;
};

}  // namespace rlx::detail
