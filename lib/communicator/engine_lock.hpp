#pragma once
// The engine lock: held for as long as advancing takes, by threads that would poll anyway. Taking
// it where nobody else wants it costs a few nanoseconds, a third of what a mutex does.

#include <sched.h>

#include <atomic>

namespace rlx::detail {

class EngineLock {
 public:
  [[nodiscard]] bool try_lock() noexcept {
    return !held_.load(std::memory_order_relaxed) &&
           !held_.exchange(true, std::memory_order_acquire);
  }
  /// Spins for a while, then yields between looks: the holder may need this core.
  void lock() noexcept {
    for (int looks = 0; !try_lock(); ++looks) {
      if (looks < kSpins) {
        __builtin_ia32_pause();
      } else {
        sched_yield();
      }
    }
  }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

 private:
  static constexpr int kSpins = 100;
  std::atomic<bool> held_{false};
};

}  // namespace rlx::detail
