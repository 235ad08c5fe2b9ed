#pragma once
// The calls of one communicator: assigns epochs in program order, starts them in a window of W,
// advances what is in flight, completes it. All of it under the Context's engine lock.

#include <bit>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "collectives/executor/epoch_run.hpp"
#include "lib/communicator/call.hpp"
#include "lib/communicator/device_side.hpp"
#include "lib/communicator/piece_memory.hpp"
#include "lib/communicator/wire_format.hpp"

namespace rlx::detail {

/// The memory and the peers of a communicator, as agreed when it was made.
struct EngineSetup {
  std::uint32_t window = 1;      ///< W
  std::uint32_t sets = 2;        ///< D
  std::uint32_t first_line = 0;  ///< line of word 0 of set 0
  std::size_t slot_bytes = 0;
  std::size_t stage_bytes = 0;   ///< one half of the staging of one epoch in flight
  DeviceSide* device = nullptr;  ///< of this rank, if it has one
  bool device_reaches_memory = false;
  std::byte* memory = nullptr;  ///< [control][D slots][W times input and output staging]
  bool ranks_fit_cores = true;  ///< of this node
  WindowNumber memory_window = 0;
  std::uint64_t memory_offset = 0;  ///< of `memory` within that window
  std::vector<collectives::PeerRoute> peers;
  std::shared_ptr<const PreparedCall> guard;  ///< the barrier that rule 5 inserts

  /// Bytes of a communicator's memory: the formula that rlx-info and the docs print.
  [[nodiscard]] static std::size_t stage_half(std::size_t slot_bytes, std::size_t ranks);
  [[nodiscard]] static std::size_t bytes(std::uint32_t window, std::uint32_t sets,
                                         std::size_t slot_bytes, std::size_t ranks);
};

/// Numbers modulo n, and how often n went into them, without a division where n is a power of two.
class Cycle {
 public:
  explicit Cycle(std::uint32_t n)
      : n_(n), mask_(std::has_single_bit(n) ? n - 1 : 0), shift_(std::countr_zero(n)) {}
  [[nodiscard]] std::uint32_t operator()(std::uint64_t number) const noexcept {
    return static_cast<std::uint32_t>(mask_ != 0 ? number & mask_ : number % n_);
  }
  [[nodiscard]] std::uint64_t turns(std::uint64_t number) const noexcept {
    return mask_ != 0 ? number >> shift_ : number / n_;
  }

 private:
  std::uint32_t n_;
  std::uint32_t mask_;
  int shift_;
};

/// What an epoch that can not go on is waiting for.
struct Blocked {
  const CallState* call = nullptr;
  const collectives::BoundStep* step = nullptr;
  std::uint64_t epoch = 0;
};

class Engine {
 public:
  /// `find_window` tells which window of mine holds a heap address, and where it starts.
  using FindWindow = std::pair<WindowNumber, std::byte*> (*)(void* context,
                                                             const std::byte* address);

  Engine(EngineSetup setup, collectives::RunEnvironment environment, FindWindow find_window,
         void* context);

  /// Looks whether repeat() may have the call, and fills in what is the same every time.
  void bind(RepeatedCall& call) const;
  /// A bound call while nothing else is in flight: started and advanced up to `polls` times. True
  /// when it is complete; otherwise adopt() has to follow.
  bool repeat(RepeatedCall& call, std::uint64_t sequence, std::uint32_t polls) noexcept;
  /// Goes on with the call that repeat() has left as with any other.
  void adopt(const std::shared_ptr<CallState>& state, const RepeatedCall& call) noexcept;
  /// A call that fits the window while nothing else is in flight: assigned, started and advanced up
  /// to `polls` times. True when it is complete; otherwise it is in flight like any other, or has
  /// failed.
  bool run_alone(const std::shared_ptr<CallState>& call, std::uint32_t polls) noexcept;
  /// Whether run_alone() may have it.
  [[nodiscard]] bool may_run_alone(const PreparedCall& prepared) const noexcept {
    return prepared.pieces <= setup_.window && prepared.schedule.all_dependent;
  }
  /// Gives the call its epochs (and, for rooted calls, the guards before them). Starts nothing.
  void assign(std::shared_ptr<CallState> call);
  /// Starts what may start and advances what runs. True if anything moved. When an epoch fails,
  /// `failure()` says how; nothing moves any more.
  bool advance() noexcept;

  /// Lets go of every call after a failure; nothing moves any more.
  void abandon() noexcept;

  [[nodiscard]] bool idle() const noexcept { return frontier_ == next_epoch_; }
  [[nodiscard]] collectives::RunStatus failure() const noexcept { return failure_; }
  /// The oldest epoch in flight that waits; call is nullptr when none does.
  [[nodiscard]] Blocked blocked() const noexcept;
  /// The oldest epoch in flight that has made its last step and sent to a peer that is gone, for
  /// which it waits in vain; call is nullptr when there is none. On the way there nobody may have
  /// waited for that peer.
  [[nodiscard]] Blocked undelivered() const noexcept;
  /// The oldest epoch in flight, whatever it waits for.
  [[nodiscard]] Blocked oldest() const noexcept;
  /// The smallest id of a call that is not complete, or ~0.
  [[nodiscard]] std::uint64_t oldest_call() const noexcept;

  [[nodiscard]] std::uint64_t frontier() const noexcept { return frontier_; }
  [[nodiscard]] std::uint64_t started() const noexcept { return next_start_; }
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
  [[nodiscard]] const EngineSetup& setup() const noexcept { return setup_; }
  [[nodiscard]] CallDescriptor descriptor(std::uint64_t call_number) const noexcept;
  /// Publishes the progress line; `awaited` as in ProgressLine.
  void publish_progress(std::uint64_t awaited) noexcept;
  /// The core that each member was on when it last made a call, kNoCore where that is not known.
  [[nodiscard]] std::vector<int> cores() const;

 private:
  /// What copies of a device an epoch waits for: none, or those to or from staging.
  enum class Staging : std::uint8_t { none, in, out };

  struct Active {
    collectives::EpochRun run;
    Staging staging = Staging::none;
    ComputeTicket ticket = 0;
    std::shared_ptr<CallState> call;             // keeps memory and plan alive
    std::vector<collectives::PeerMemory> peers;  // where theirs is, as they tell in this epoch
    std::uint32_t piece = 0;
    bool guard = false;
  };

  void place_guards(CallState& call);
  void number(CallState& call) noexcept;
  void chain(CallState& call) noexcept;
  bool advance_epochs() noexcept;
  collectives::RunStatus advance_epoch(Active& active) noexcept;
  void own_next_lines(const PreparedCall& call) const noexcept;
  void describe(const CallState& call) noexcept;
  void expect(std::uint64_t epoch) const noexcept;
  void set_epoch(collectives::RunArguments& arguments, const PreparedCall& plan,
                 std::uint64_t epoch) const noexcept;
  [[nodiscard]] std::uint32_t turn(const PreparedCall& plan, std::uint64_t epoch) const noexcept {
    return plan.rotates_scratch ? members_(sets_.turns(epoch)) : 0;
  }
  bool start_ready() noexcept;
  void start(const std::shared_ptr<CallState>& call) noexcept;
  void set_memory(collectives::RunArguments& arguments, Active& active) noexcept;
  void stage_in(Active& active, const PieceMemory& memory, std::byte* staging) noexcept;
  bool stage_out(Active& active) noexcept;
  static void use_attached(const CallState& call, collectives::RunArguments& arguments,
                           collectives::ArriveLine& arrive) noexcept;
  void finish(Active& active) noexcept;
  [[nodiscard]] std::byte* descriptor_line(std::uint64_t call_number) const noexcept {
    return setup_.memory + (1 + call_number % kDescriptors) * kLineBytes;
  }
  [[nodiscard]] std::byte* stage(std::uint64_t epoch) const noexcept;
  [[nodiscard]] Active& active(std::uint64_t epoch) noexcept { return active_[window_(epoch)]; }
  [[nodiscard]] const Active& active(std::uint64_t epoch) const noexcept {
    return active_[window_(epoch)];
  }

  EngineSetup setup_;
  collectives::RunEnvironment environment_;
  FindWindow find_window_;
  void* context_;
  Cycle window_;
  Cycle sets_;
  Cycle members_;
  std::vector<Active> active_;                      // by epoch mod W
  std::deque<std::shared_ptr<CallState>> waiting_;  // calls with epochs that have not started
  std::deque<std::shared_ptr<CallState>> calls_in_flight_;
  std::uint64_t next_epoch_ = 0;  // the next to be assigned
  std::uint64_t next_start_ = 0;  // the next to be started
  std::uint64_t frontier_ = 0;    // everything below is complete
  std::uint64_t calls_ = 0;
  std::uint64_t chain_ = 0x9e3779b97f4a7c15ull;
  std::uint64_t steps_ = 0;
  std::uint32_t rooted_run_ = 0;  // epochs in a row that were not all-dependent
  collectives::RunStatus failure_ = collectives::RunStatus::idle;
  std::uint64_t failed_epoch_ = 0;
};

}  // namespace rlx::detail
