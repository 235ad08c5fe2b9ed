#pragma once
// Ranks that take turns, spread evenly over the cores they may use. Three on one core and one on
// another take as long as three on each, and the system leaves them so: it counts what is ready to
// run, and ranks that yield to each other always are. A rank moves by allowing itself one core and
// then all that it was allowed before, so nothing is bound.

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

namespace rlx::detail {

/// A core that is not known.
inline constexpr int kNoCore = -1;

/// The core that rank `me` had better be on, from where the ranks of its host were last seen
/// (kNoCore: elsewhere, or not told); nullopt: it stays. It goes from a core with at least two more
/// ranks than the emptiest of `allowed`, and only the last rank of a core goes, so that not all of
/// them leave at once.
[[nodiscard]] std::optional<int> better_core(std::span<const int> cores, std::size_t me,
                                             const cpu_set_t& allowed) noexcept;

/// Moves this thread to a core, and leaves it as free as it was.
void move_to(int core) noexcept;

/// When to look: seldom, and more seldom after each move, since whoever moved may have been moved
/// back for the sake of other work.
class Spreading {
 public:
  /// After a turn. Any thread.
  [[nodiscard]] bool due() noexcept {
    if (turns_.fetch_add(1, std::memory_order_relaxed) + 1 < next_look_) return false;
    turns_.store(0, std::memory_order_relaxed);
    return true;
  }
  void moved() noexcept {
    if (next_look_ < kMost) next_look_.store(next_look_ * 2, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t kFirst = 256;  // turns: some tenths of a millisecond
  static constexpr std::uint32_t kMost = 1 << 20;
  std::atomic<std::uint32_t> turns_{0};
  std::atomic<std::uint32_t> next_look_{kFirst};
};

}  // namespace rlx::detail
