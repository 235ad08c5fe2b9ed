#pragma once
// One per rank: owns the heap, the transport, what is running and the health line. "Process" in the
// rules of docs/contract.md means Context. Communicators share it.
//
// The engine lock guards everything but the atomics: whoever holds it advances all schedules of all
// communicators; who does not get it polls its own request.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "collectives/tuner.hpp"
#include "lib/communicator/device_side.hpp"
#include "lib/communicator/driven_streams.hpp"
#include "lib/communicator/engine_lock.hpp"
#include "lib/communicator/health.hpp"
#include "lib/communicator/helper_thread.hpp"
#include "lib/communicator/owned_pages.hpp"
#include "lib/communicator/spreading.hpp"
#include "lib/communicator/startup.hpp"
#include "lib/communicator/waiting.hpp"
#include "lib/communicator/watchdog.hpp"
#include "rlx/communicator.hpp"
#include "rlx/symmetric_heap.hpp"

namespace rlx::detail {

class CommunicatorState;

/// A part of a rank's heap range that is one window. Travels when memory is agreed on.
struct ExtentRecord {
  std::uint64_t start = 0;          ///< heap offset
  std::uint64_t length = 0;         ///< bytes
  std::uint64_t window_offset = 0;  ///< where `start` lies within the window
  std::uint16_t window = 0;
  std::uint16_t reserved[3] = {};
  WindowKey key;
};
static_assert(sizeof(ExtentRecord) == 96);

/// What was agreed by all ranks while wiring.
struct AgreedValues {
  collectives::LinkCost link;
  bool load_store = false;  ///< everybody's memory is mapped everywhere: there is one node
  collectives::CacheLayout caches = collectives::CacheLayout::mesh;  ///< rank 0's
  /// By transport rank: ranks with equal numbers can load and store each other's memory, and a
  /// route to one of them says where it is. Other ranks take messages, wherever they run.
  std::vector<std::uint32_t> node_of;
  bool single_copy = false;  ///< everybody can read everybody's private memory
  std::uint64_t stream_bytes = std::uint64_t{4} << 20;     ///< see PlanEnvironment
  std::string topology;                                    ///< as measurements name it
  std::shared_ptr<const collectives::TuningTable> tuning;  ///< rank 0's; shared with plan caches
  DeviceUse devices;
  bool ranks_fit_cores = true;  ///< of this node; the only value that may differ between nodes
};

/// What this core's second-level cache can not hold twice.
[[nodiscard]] std::uint64_t stream_bytes_here() noexcept;

class Context {
 public:
  /// Wires transport, signal region and heap over a bootstrap (rule order: hello, transport,
  /// regions). Collective.
  static std::shared_ptr<Context> wire(PhasedBootstrap& bootstrap,
                                       const CommunicatorOptions& options);
  /// Over memory that the caller attached and admitted everywhere.
  static std::shared_ptr<Context> over(SymmetricTransport& transport, SignalRegion signals,
                                       std::span<std::byte> memory, SymmetricBuffer scratch,
                                       const CommunicatorOptions& options);
  ~Context();

  [[nodiscard]] const Config& config() const noexcept { return options_.config; }
  [[nodiscard]] const Device& device() const noexcept { return options_.device; }
  /// nullptr where this rank's device is the CPU.
  [[nodiscard]] DeviceSide* device_side() const noexcept { return device_side_.get(); }
  [[nodiscard]] const AgreedValues& agreed() const noexcept { return agreed_; }
  /// A number that all ranks of this Context share, and no other Context has; 0 over bare
  /// transports.
  [[nodiscard]] std::uint64_t identity() const noexcept { return identity_; }
  /// The process of a rank, where agreed().single_copy; 0 otherwise.
  [[nodiscard]] std::int32_t process_of(Rank rank) const noexcept {
    return processes_.empty() ? 0 : processes_[rank.index()];
  }
  /// What wiring took, phase by phase; empty for a Context over a given transport.
  [[nodiscard]] const std::vector<StartupPhase>& startup() const noexcept { return startup_; }
  void keep_startup(std::vector<StartupPhase> phases) { startup_ = std::move(phases); }

  /// Whether it is what wire() would make of these options.
  [[nodiscard]] bool suits(const CommunicatorOptions& options) const noexcept;
  /// Calls this too when the Context fails: of a communicator that joins it.
  void also_on_failure(std::function<void()> told);
  /// A proposal for the next communicator's id: larger than all that this rank has seen.
  [[nodiscard]] std::uint64_t propose_id() noexcept { return ++last_id_; }
  void adopt_id(std::uint64_t id) noexcept;
  [[nodiscard]] SymmetricTransport& transport() noexcept { return *transport_; }
  [[nodiscard]] SignalRegion signals() const noexcept { return signals_; }
  [[nodiscard]] SymmetricHeap& heap() noexcept { return *heap_; }
  [[nodiscard]] SymmetricHeap& signal_heap() noexcept { return *signal_heap_; }
  [[nodiscard]] EngineLock& mutex() noexcept { return mutex_; }
  [[nodiscard]] HelperThread& helper() noexcept { return helper_; }
  /// False in a child that the user's program forked: nothing of rlx works there.
  [[nodiscard]] bool owned_by_this_process() const noexcept;
  /// Throws Unsupported there. Before any lock is taken: who held it is not in the child.
  void refuse_forked_child() const;

  // -- progress; the engine lock is held unless it says otherwise -------------------------------
  /// Polls the transport, advances every communicator, looks at health. True if anything moved.
  bool advance() noexcept;
  /// As advance(), without polling the transport: for a call that was just made, whose first puts
  /// need not wait for a look at the network.
  bool advance_calls() noexcept;
  /// Learns of a failure elsewhere, if there was one.
  void look_at_health() noexcept {
    if (const std::uint64_t word = health_.word(); word != 0 && !failed()) hear(word);
  }
  /// Takes the lock if it is free and advances; then the streams that have collectives in them.
  /// True if anything moved.
  bool try_advance() noexcept;
  /// Without the lock: polls until done() or a failure, which it throws.
  template <class Done>
  void wait(Done&& done);
  /// Advances everything until done() is true, for a thread in which no call waits: it throws
  /// nothing, what fails is told to those who wait.
  template <class Done>
  void advance_until(Done&& done);
  /// Keeps a stream moving while the entry lives.
  [[nodiscard]] std::shared_ptr<DrivenStreams::Entry> drive(CommandStream& stream) {
    return std::make_shared<DrivenStreams::Entry>(streams_, stream);
  }
  void enter(CommunicatorState& communicator);
  void leave(CommunicatorState& communicator) noexcept;
  [[nodiscard]] std::uint64_t next_call_id() noexcept { return ++call_ids_; }
  [[nodiscard]] bool in_flight() const noexcept {
    return in_flight_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t polls() const noexcept {
    return polls_.load(std::memory_order_relaxed);
  }

  // -- memory -----------------------------------------------------------------------------------
  /// The record of my extent that holds the heap offset.
  [[nodiscard]] ExtentRecord extent_of(std::uint64_t offset);
  /// Makes a peer's extent reachable. Throws Transport.
  void admit(Rank rank, const ExtentRecord& record);
  /// My window that holds the address, and where it starts; {0, nullptr} when none does.
  [[nodiscard]] std::pair<WindowNumber, std::byte*> find_window(
      const std::byte* address) const noexcept;
  /// Releases once every call assigned so far is complete.
  void release_later(std::uint64_t offset);

  // -- failure ----------------------------------------------------------------------------------
  /// Keeps the first cause and tells the others; `ranks` are the cause's in the transport's
  /// numbering. Lock held.
  void fail(ErrorDetails cause, std::vector<Rank> ranks) noexcept;
  [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
  /// Throws the first cause. No lock needed.
  void throw_if_failed() const;
  /// Keeps an engine whose operations may be outstanding until the transport is gone.
  void keep(std::unique_ptr<Engine> engine) { kept_.push_back(std::move(engine)); }
  [[nodiscard]] Health& health() noexcept { return health_; }
  [[nodiscard]] std::span<CommunicatorState* const> communicators() const noexcept {
    return communicators_;
  }

 private:
  Context(const CommunicatorOptions& options, std::unique_ptr<SymmetricTransport> owned,
          SymmetricTransport& transport);
  void prepare_signals(std::span<std::byte> memory);
  void add_extent(HeapExtent extent, std::span<std::byte> memory);
  void finish_releases() noexcept;
  [[nodiscard]] Spin spin() const noexcept {
    if (!agreed_.ranks_fit_cores) return Spin::never;
    return agreed_.load_store ? Spin::at_length : Spin::briefly;
  }
  /// Moves this rank to another core where it shares its own with more ranks than it need.
  void spread_out();
  void hear(std::uint64_t word) noexcept;

  CommunicatorOptions options_;
  std::unique_ptr<DeviceSide> device_side_;
  std::vector<std::function<void()>> told_of_failure_;  // besides options_.on_failure
  Config given_;                                        // before rank 0's values were adopted
  AgreedValues agreed_;
  int process_;
  std::uint32_t generation_;
  std::uint64_t identity_ = 0;
  std::vector<std::int32_t> processes_;
  std::atomic<std::uint64_t> last_id_{0};
  // Order matters when destroyed: the transport goes before the memory that it has registered.
  std::vector<std::unique_ptr<Engine>> kept_;
  Health health_;                              // its completions, too, outlive the transport
  std::shared_ptr<OwnedPages> signal_memory_;  // shared with the transport, whose peers reach it
  std::unique_ptr<SymmetricHeap> signal_heap_;
  std::shared_ptr<SymmetricHeap> heap_;  // likewise
  std::unique_ptr<SymmetricTransport> owned_transport_;
  SymmetricTransport* transport_;
  SignalRegion signals_;

  EngineLock mutex_;
  std::vector<ExtentRecord> extents_;  // mine; ordered by window
  std::vector<CommunicatorState*> communicators_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> releases_;  // (last call id, offset)
  std::shared_ptr<DrivenStreams> streams_ = std::make_shared<DrivenStreams>();
  std::uint64_t call_ids_ = 0;
  std::uint32_t idle_polls_ = 0;
  std::atomic<std::uint64_t> polls_{0};
  std::atomic<bool> in_flight_{false};
  CrowdedCores crowded_cores_;
  std::vector<StartupPhase> startup_;
  Spreading spreading_;
  std::atomic<bool> failed_{false};
  std::unique_ptr<const CollectiveError> cause_;  // written once, before failed_
  Watchdog watchdog_;
  HelperThread helper_;  // last: stops first
};

template <class Done>
void Context::advance_until(Done&& done) {
  Backoff backoff(spin(), crowded_cores_);
  while (!done()) {
    if (try_advance()) {
      backoff.reset();
    } else {
      backoff.pause();
    }
  }
}

template <class Done>
void Context::wait(Done&& done) {
  refuse_forked_child();
  Backoff backoff(spin(), crowded_cores_);
  while (!done()) {
    throw_if_failed();
    if (try_advance()) {
      backoff.reset();
    } else if (!done()) {
      backoff.pause();
      if (!agreed_.ranks_fit_cores && spreading_.due()) spread_out();
    }
  }
}

}  // namespace rlx::detail
