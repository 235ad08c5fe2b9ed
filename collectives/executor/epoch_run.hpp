#pragma once
// One epoch of a bound schedule, running. advance() walks each lane until it waits; nothing here
// allocates, throws or locks. The caller (a communicator's engine) holds the engine lock.
//
// Where a device computes, the copies and reductions of a lane are handed to it one after the
// other, and are waited for where somebody else may look: before a signal, and at the end of the
// lane.

#include <array>
#include <cstddef>
#include <cstdint>

#include "collectives/executor/binding.hpp"
#include "lib/driver/compute.hpp"
#include "rlx/signal_region.hpp"
#include "rlx/symmetric_transport.hpp"

namespace rlx::collectives {

/// Where a group member is reached: its transport rank, and where its copy of the communicator's
/// scratch (the D slots) starts. Mapped memory is reached directly, not through the transport.
struct PeerRoute {
  Rank rank;
  WindowNumber window = 0;
  std::uint64_t scratch_offset = 0;
  std::byte* signals = nullptr;  ///< its signal region where that is mapped; mine, for myself
  std::byte* scratch = nullptr;  ///< its D slots, likewise
  std::byte* device_scratch = nullptr;  ///< D slots of its on the device that all share, if any
  std::int32_t process = 0;  ///< whose private memory can be read with a single copy; 0: none
};

/// A peer's input and output of one epoch, as its ARRIVE says: where they are mapped, or nullptr.
struct PeerMemory {
  std::byte* input = nullptr;
  std::byte* output = nullptr;
  std::uint64_t private_input = 0;  ///< else: its address there
};

/// ArriveLine::input_window of private memory, whose offset is then its address.
inline constexpr WindowNumber kPrivateMemory = 0xffff;

/// What a rank tells a peer that will write or read its memory: the payload of an ARRIVE line.
/// Offsets are relative to the windows named, in bytes. Wire format.
struct ArriveLine {
  std::uint64_t input_offset = 0;
  std::uint64_t output_offset = 0;
  std::uint64_t count = 0;  ///< elements of this piece
  std::uint16_t input_window = 0;
  std::uint16_t output_window = 0;
  std::uint8_t key_length = 0;  ///< the output is memory of this call: the key of its window
  std::array<std::byte, kCallKeyBytes> key{};
};
static_assert(sizeof(ArriveLine) == kLinePayload);

/// What all epochs of one communicator share.
struct RunEnvironment {
  SymmetricTransport* transport = nullptr;
  Compute* compute = nullptr;  ///< my device's, for epochs that have no kernel
  SignalRegion signals;
  std::span<const PeerRoute> peers;
  std::uint32_t hash_mask = 0xfff;
  std::uint32_t me = 0;  ///< my group index
};

/// My memory of one space: where it is and in which window of mine.
struct RunMemory {
  std::byte* base = nullptr;
  WindowNumber window = 0;
};

/// The arguments of one epoch.
struct RunArguments {
  const BoundPlan* plan = nullptr;
  std::uint64_t epoch = 0;
  std::uint32_t hash = 0;
  std::uint32_t first_line = 0;   ///< line of word 0 of this epoch's set, the same on every rank
  std::uint64_t slot_offset = 0;  ///< of this epoch's slot within the communicator's scratch
  /// Where all scratch is mapped: member i's of this epoch lies in the slot of member (i + turn)
  /// mod p, for every i. The same on every rank.
  std::uint32_t turn = 0;
  RunMemory input, output, scratch;   ///< scratch.base is where my scratch of this epoch starts
  bool on_device = false;             ///< the slots are those on the device
  RunMemory arrival;                  ///< holds an ArriveLine that stays unchanged during the run
  PeerMemory* peer_memory = nullptr;  ///< room for one of each group member
  std::size_t element_bytes = 1;
  DType dtype = DType::u8;
  ReduceKind kind = ReduceKind::Sum;
  std::uint64_t divisor = 0;  ///< Mean: number of ranks; else 0
  StepKernel kernel =
      nullptr;          ///< computes at once, on the CPU; otherwise RunEnvironment::compute does
  bool stream = false;  ///< what only outputs receive is written past the caches
};

enum class RunStatus : std::uint8_t {
  idle,      ///< nothing moved
  moved,     ///< something moved, not done yet
  done,      ///< complete in the sense of rule 3
  mismatch,  ///< a signal of another call was seen: see blocked()
  failed     ///< the transport refused an operation for good: see blocked()
};

class EpochRun {
 public:
  static constexpr std::size_t kMaxLanes = 8;

  /// The arguments to be filled in, all of them; memory as the plan needs it. Then start().
  [[nodiscard]] RunArguments& prepare() noexcept { return arguments_; }
  void start() noexcept;
  /// Goes on where `other`, over mapped memory and computed by the CPU, stands.
  void take_over(const EpochRun& other) noexcept;
  RunStatus advance(const RunEnvironment& environment) noexcept;

  [[nodiscard]] std::uint64_t epoch() const { return arguments_.epoch; }
  /// The first step that is not done, nullptr when only completions are outstanding.
  [[nodiscard]] const BoundStep* blocked() const noexcept;
  /// Of the puts and signals, one to a peer that `gone` names, which will never complete it;
  /// nullptr when there is none, or while steps are left.
  template <class Gone>
  [[nodiscard]] const BoundStep* undelivered(const Gone& gone) const noexcept {
    if (blocked() != nullptr || drained()) return nullptr;
    for (const BoundStep& step : arguments_.plan->steps) {
      const bool sends = step.kind == StepKind::put || step.kind == StepKind::signal;
      if (sends && gone(step.peer)) return &step;
    }
    return nullptr;
  }
  /// Whether nothing but the device holds it up: no peer is to blame.
  [[nodiscard]] bool awaits_device() const noexcept { return awaits_device_; }
  /// Whether every operation issued needs no more help of mine.
  [[nodiscard]] bool drained() const noexcept { return completion_.drained(); }

 private:
  RunStatus step(const BoundStep& step, const RunEnvironment& environment) noexcept;
  RunStatus wait(const BoundStep& step, const RunEnvironment& environment) noexcept;
  bool resolve(const BoundStep& step, const std::byte* line,
               const RunEnvironment& environment) noexcept;
  [[nodiscard]] Lane lane_of(const BoundStep& step) const noexcept;
  RunStatus put(const BoundStep& step, const RunEnvironment& environment) noexcept;
  void store(const BoundStep& step, const RunEnvironment& environment) noexcept;
  void store_signal(const BoundStep& step, const RunEnvironment& environment) noexcept;
  void publish(const BoundStep& step, const RunEnvironment& environment) noexcept;
  RunStatus compute(const BoundStep& step, const RunEnvironment& environment) noexcept;
  void compute_gathered(ComputeStep& work, const BoundStep& step,
                        std::span<const std::byte*> sources) noexcept;
  RunStatus fetch(const BoundStep& step, const RunEnvironment& environment) noexcept;
  void submit(const ComputeStep& work, std::uint16_t lane,
              const RunEnvironment& environment) noexcept;
  [[nodiscard]] bool settled(std::size_t lane, const RunEnvironment& environment) noexcept;
  RunStatus store_by_device(const BoundStep& step, const RunEnvironment& environment) noexcept;
  [[nodiscard]] RunMemory memory(Space space) const noexcept;
  [[nodiscard]] std::byte* address(const BoundRef& ref,
                                   const RunEnvironment& environment) const noexcept;
  /// A mapped line of a group member, or my own.
  [[nodiscard]] std::byte* line(std::uint32_t peer, std::uint32_t word,
                                const RunEnvironment& environment) const noexcept {
    return environment.peers[peer].signals + (arguments_.first_line + word) * kLineBytes;
  }
  /// The member in whose slot another's scratch lies.
  [[nodiscard]] std::uint32_t keeper(std::uint32_t member,
                                     const RunEnvironment& environment) const noexcept {
    const std::size_t at = std::size_t{member} + arguments_.turn;
    const std::size_t ranks = environment.peers.size();
    return static_cast<std::uint32_t>(at < ranks ? at : at - ranks);
  }
  [[nodiscard]] RemoteRef remote(const BoundStep& step,
                                 const RunEnvironment& environment) const noexcept;

  RunArguments arguments_;
  std::array<std::uint32_t, kMaxLanes> next_{};
  std::array<ComputeTicket, kMaxLanes> ticket_{};
  std::array<bool, kMaxLanes> computing_{};  // the device has work of the lane
  std::array<bool, kMaxLanes> storing_{};    // a put's, whose signal is due then
  bool awaits_device_ = false;
  Completion completion_;
};

}  // namespace rlx::collectives
