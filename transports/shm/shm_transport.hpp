#pragma once
// The shared-memory transport: ranks are processes of one node (or threads), and each maps the
// memory of all others, so that a put is a copy, a signal a store, and schedules may load and store
// a peer's memory themselves. Not to be confused with libfabric's provider of that name.
//
// What is attached becomes shared memory where it lies (SharedFile). Nothing in a file system, no
// thread; everything vanishes with the processes, however they end.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "rlx/symmetric_transport.hpp"
#include "transports/shm/meeting.hpp"
#include "transports/transports.hpp"

namespace rlx {

/// Bytes of a WindowKey that are used.
inline constexpr std::size_t kShmKeyBytes = 24;

/// For tests.
struct ShmOptions {
  std::function<std::size_t()> room;  ///< instead of what the system says is left, bytes
};

/// A transport, or why there is none.
struct ShmAttempt {
  std::unique_ptr<SymmetricTransport> transport;
  std::optional<shm::Refusal> refusal;
};

/// Tries whether all ranks can share memory. Collective over setup.exchange; the same on all ranks.
[[nodiscard]] ShmAttempt try_shm(const TransportSetup& setup, const ShmOptions& options = {});

/// Between the ranks of each node of a meeting, which has a file of mine. Other ranks have no
/// windows here, and operations to them fail. Local.
[[nodiscard]] std::unique_ptr<SymmetricTransport> make_shm_of(const TransportSetup& setup,
                                                              shm::Meeting meeting);

/// Throws CollectiveError(Unsupported) on all ranks, naming two that can not share memory, why, and
/// what to use instead.
[[nodiscard]] std::unique_ptr<SymmetricTransport> make_shm(const TransportSetup& setup);

}  // namespace rlx
