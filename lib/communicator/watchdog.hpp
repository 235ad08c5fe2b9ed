#pragma once
// Looks at what waits: knocks at the awaited peer, names who has not arrived, finds the dead and
// the mismatched (rules 9 and 12). Runs inside Context::advance(), engine lock held.

#include <chrono>
#include <cstdint>
#include <optional>

#include "lib/communicator/engine.hpp"
#include "lib/communicator/wire_format.hpp"

namespace rlx::detail {

class CommunicatorState;
class Context;

class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Watchdog(Context& context) : context_(context) {}

  /// Once in a while; reads the clock.
  void look() noexcept;
  /// An engine stopped with a mismatch or a refused operation: finds out why and fails the Context.
  void diagnose(CommunicatorState& communicator) noexcept;

 private:
  /// The wait that is being watched, and what is known about the member it is about.
  struct Watch {
    CommunicatorState* communicator = nullptr;
    std::uint64_t epoch = 0;
    const collectives::BoundStep* step = nullptr;
    Clock::time_point since;
    Clock::time_point knocked;
    Clock::time_point progressed;      // when the suspect was last seen to move
    std::uint32_t suspect = 0;         // member whose lack of progress holds us up
    std::uint32_t hops = 0;            // how far the suspect is from the peer that I wait for
    std::optional<ProgressLine> last;  // of the suspect
    int failing_looks = 0;
    bool warned = false;
  };

  void watch(CommunicatorState& communicator, const Blocked& blocked) noexcept;
  void knock(const Blocked& blocked) noexcept;
  bool dead(const Blocked& blocked) noexcept;
  bool device_failed() noexcept;
  void judge(const Blocked& blocked, const ProgressLine& line) noexcept;
  bool mismatched(const Blocked& blocked) noexcept;
  bool found_difference(const Blocked& blocked, std::uint32_t member) noexcept;
  void report_mismatch(const Blocked& blocked, std::uint32_t member, const CallDescriptor& theirs,
                       const CallDescriptor& mine) noexcept;
  void not_arrived(const Blocked& blocked) noexcept;
  void give_up(const Blocked& blocked, ErrorKind kind, const std::string& message) noexcept;

  Context& context_;
  Watch watch_;
  Clock::time_point last_look_;
};

}  // namespace rlx::detail
