#pragma once
// A communicator: a group of ranks with a Device each, symmetric memory and an order of calls. The
// one surface of rlx. Made from MPI (rlx/mpi.hpp), from threads or a rendezvous (rlx/launch.hpp), or
// over any transport and memory of one's own.
//
// Order: collective calls on one communicator are made in the same order by all members. Calls on
// different communicators are independent; all of a process's calls advance whenever any rlx call
// waits or tests. Threads: see docs/thread_model.md; one communicator is called by one thread at a
// time.
//
// Errors: argument errors throw before anything is sent and change nothing. Mismatch, PeerFailed,
// Timeout and Transport are final: every later call on any communicator of this process throws the
// first cause.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "rlx/bootstrap.hpp"
#include "rlx/config.hpp"
#include "rlx/device.hpp"
#include "rlx/local_transport.hpp"
#include "rlx/rank.hpp"
#include "rlx/symmetric_array.hpp"
#include "rlx/symmetric_transport.hpp"

namespace rlx {

class SymmetricResource;

namespace detail {
class CommunicatorState;
class Context;
}  // namespace detail

struct CommunicatorOptions {
  Device device = Device::cpu();
  Config config = Config::from_environment();
  /// Wraps the transport before anything runs over it (the faulty decorator of the tests and the
  /// benchmark). Must be the same kind of thing on every rank.
  std::function<std::unique_ptr<SymmetricTransport>(std::unique_ptr<SymmetricTransport>)> decorate =
      {};
  /// Called at most once, by whichever thread sees it first, when a final failure makes the Context
  /// unusable, or a communicator is destroyed by an exception. Must not throw or call rlx.
  std::function<void()> on_failure = {};
};

class Communicator {
 public:
  /// Wires a Context over a bootstrap: transport, heap, connections, this communicator. Collective.
  Communicator(Bootstrap& bootstrap, CommunicatorOptions options = {});
  /// The same, but reuses `context` where all ranks of the bootstrap are of that one Context already
  /// and it was made with the same device and Config, so that a wait on any of its communicators
  /// advances all of them; otherwise, or after a failure, wires a new one and leaves it there. For
  /// bootstraps that a process uses more than once (rlx/mpi.hpp).
  Communicator(Bootstrap& bootstrap, CommunicatorOptions options,
               std::weak_ptr<detail::Context>& context);
  /// Over a transport and symmetric memory of one's own. `scratch` names bytes of window 1 of every
  /// rank at the same offset (its rank member is ignored) whose local bytes are `memory`; they
  /// belong to the communicator until it is closed. The signal region is window 0; both are all zero. The
  /// transport must outlive the communicator. Collective; allocate() takes from what is left of
  /// `scratch`. Throws OutOfMemory naming the bytes needed.
  Communicator(SymmetricTransport& transport, SignalRegion signals, std::span<std::byte> memory,
               SymmetricBuffer scratch, CommunicatorOptions options = {});
  /// The same for a rank of LocalTransport::fan_out: its whole heap is the scratch.
  explicit Communicator(LocalTransport& transport, CommunicatorOptions options = {});

  /// Quiesces like close(), but never throws and, while unwinding or after an error, never waits.
  ~Communicator();
  Communicator(Communicator&&) noexcept;
  Communicator& operator=(Communicator&&) noexcept;

  [[nodiscard]] Rank rank() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] const Device& device() const noexcept;
  [[nodiscard]] const Config& config() const noexcept;
  /// What the transport chose, for banners and rlx-bench.
  [[nodiscard]] const TransportCapabilities& transport() const noexcept;

  /// `n` elements of zeroed symmetric memory. Collective and blocking (rule 10); `n` must be the
  /// same on all members. Throws OutOfMemory on all members, naming requested, available and
  /// RLX_HEAP_LIMIT; LengthMismatch naming the ranks when n differs.
  template <Element T>
  [[nodiscard]] SymmetricArray<T> allocate(std::size_t n) {
    return SymmetricArray<T>(allocate_bytes(n, sizeof(T)), n);
  }

  /// The heap for std::pmr containers (rlx/symmetric_allocator.hpp). Local. Lives as long as this
  /// communicator, or as a SymmetricAllocator or shared pointer of it.
  [[nodiscard]] SymmetricResource* memory_resource() const;
  [[nodiscard]] std::shared_ptr<SymmetricResource> shared_memory_resource() const;

  /// A communicator of the same ranks with an order of calls of its own. Collective.
  [[nodiscard]] Communicator duplicate();
  /// Members that give the same colour form a communicator, ordered by key, then by rank here. A
  /// negative colour gives nullopt. Collective over this communicator.
  [[nodiscard]] std::optional<Communicator> split(int colour, int key);

  /// Returns when every member has entered. Throws as every collective.
  void barrier();
  /// Waits until nothing is in flight, agrees with the members and gives words and scratch back.
  /// Later calls throw Closed. Collective; a second close does nothing. Throws Timeout.
  void close();

  [[nodiscard]] detail::CommunicatorState& state() const;

 private:
  explicit Communicator(std::shared_ptr<detail::CommunicatorState> state);
  [[nodiscard]] std::unique_ptr<detail::SymmetricAllocation> allocate_bytes(std::size_t n,
                                                                            std::size_t element);

  std::shared_ptr<detail::CommunicatorState> state_;  // shared with the requests in flight
};

}  // namespace rlx
