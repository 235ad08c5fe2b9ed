#pragma once
// A moment after which waiting becomes an error.

#include <algorithm>
#include <chrono>

namespace rlx::bootstrap {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline after(double seconds) {
    constexpr double kYear = 365.0 * 24 * 3600;  // keeps the clock's arithmetic from overflowing
    const auto span = std::chrono::duration<double>(std::clamp(seconds, 0.0, kYear));
    return Deadline(Clock::now() + std::chrono::duration_cast<Clock::duration>(span));
  }

  [[nodiscard]] Clock::time_point moment() const { return moment_; }
  [[nodiscard]] bool passed() const { return Clock::now() >= moment_; }
  /// Milliseconds left for poll(), rounded up, at least 0 and at most a minute (callers loop).
  [[nodiscard]] int poll_ms() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(moment_ - Clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left, 0, 60'000));
  }

 private:
  explicit Deadline(Clock::time_point moment) : moment_(moment) {}
  Clock::time_point moment_;
};

}  // namespace rlx::bootstrap
