#pragma once
// Who misbehaves in rlx-death, how and when: the same on every rank for one seed. And the clock
// that the ranks share.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "rlx/rlx.hpp"
#include "tests/programs/random_call.hpp"

namespace programs {

enum class Misdeed { sigkill, thrown, absent, mismatch };

struct KillPlan {
  std::uint64_t seed = 1;
  Misdeed misdeed = Misdeed::sigkill;
  std::string field;           ///< of a mismatch
  std::uint64_t call = 0;      ///< at which it happens
  std::uint64_t delay_us = 0;  ///< after that call began, for SIGKILL
  std::uint64_t victim_draw = 0;

  [[nodiscard]] std::uint32_t victim(std::size_t ranks) const {
    return static_cast<std::uint32_t>(victim_draw % ranks);
  }
  [[nodiscard]] std::string text() const;
  /// The kinds of error that a survivor may be told.
  [[nodiscard]] bool accepts(rlx::ErrorKind kind) const;
  /// Milliseconds within which it must be told: at once where a peer is dead or differs, the
  /// configured times where it only stays away.
  [[nodiscard]] double limit_ms(const rlx::Config& config) const;
};

/// `how` is SIGKILL, throw, absent or mismatch:FIELD with FIELD one of collective, dtype, op,
/// count, in_place, memory. Throws std::invalid_argument.
[[nodiscard]] KillPlan parse_kill(std::uint64_t seed, const std::string& how);

/// A call that the victim makes differently from `spec`; and what `spec` must be for that.
[[nodiscard]] CallSpec comparable(const KillPlan& plan, CallSpec spec);
[[nodiscard]] CallSpec different(const KillPlan& plan, CallSpec spec);

/// Memory that all ranks of one machine see: when it happened, in nanoseconds of the steady clock.
struct SharedMoment {
  std::atomic<std::int64_t> nanoseconds{0};

  void stamp();
  /// Milliseconds since the stamp; negative when there was none.
  [[nodiscard]] double elapsed_ms() const;
};

/// Shared with children forked later (`name` empty), or by name with the processes that mpirun
/// started beside this one; the name is gone once unlink_shared_moment was called.
[[nodiscard]] SharedMoment* map_shared_moment(const std::string& name);
void unlink_shared_moment(const std::string& name);

}  // namespace programs
