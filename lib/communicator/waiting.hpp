#pragma once
// How to wait: spin while ranks fit their cores, yield at once when they do not, and sleep 50 us at a
// time after 10 ms.

#include <sched.h>
#include <time.h>

#include <chrono>
#include <cstdint>

namespace rlx::detail {

class Backoff {
 public:
  explicit Backoff(bool ranks_fit_cores) : spins_(ranks_fit_cores ? kSpins : 0) {}

  void reset() noexcept {
    idle_ = 0;
    yields_ = 0;
  }

  void pause() noexcept {
    if (++idle_ <= spins_) {
      if (idle_ > kBare) __builtin_ia32_pause();
      return;
    }
    if (yields_++ % kYieldsPerLook == 0 && look()) return;
    sched_yield();
  }

 private:
  static constexpr std::uint32_t kBare = 256;
  static constexpr std::uint32_t kSpins = 1000;
  static constexpr std::uint32_t kYieldsPerLook = 64;
  static constexpr std::chrono::milliseconds kYieldFor{10};

  /// Sleeps, and says so, once 10 ms have gone by without anything moving.
  bool look() noexcept {
    const auto now = std::chrono::steady_clock::now();
    if (yields_ == 1) since_ = now;
    if (now - since_ < kYieldFor) return false;
    --yields_;  // look again after the sleep, not 64 yields later
    const timespec nap{0, 50'000};
    nanosleep(&nap, nullptr);
    return true;
  }

  std::uint32_t spins_;
  std::uint32_t idle_ = 0;
  std::uint32_t yields_ = 0;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace rlx::detail
