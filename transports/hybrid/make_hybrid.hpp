#pragma once
// Who is whose node mate, and a transport that follows from it.

#include <memory>

#include "rlx/symmetric_transport.hpp"
#include "transports/ofi/ofi_transport.hpp"
#include "transports/shm/meeting.hpp"
#include "transports/transports.hpp"

namespace rlx {

/// Mapped memory between ranks that really could map each other's, libfabric between all others.
/// Who they are is tried and agreed (shm::meet): any number of ranks on each node, in any order;
/// also everybody on one node, or everybody alone. Ranks of one machine that can not share memory
/// are named in one line of the log. Collective over setup.exchange; throws on all ranks what
/// make_ofi throws, where any rank is on another node.
[[nodiscard]] std::unique_ptr<SymmetricTransport> make_hybrid(const TransportSetup& setup);
[[nodiscard]] std::unique_ptr<SymmetricTransport> make_hybrid(const TransportSetup& setup,
                                                              const OfiOptions& options);

/// What `auto` is: shm where all ranks are one node (ofi if setup.config names a provider), ofi where
/// each is alone, hybrid otherwise. Collective.
[[nodiscard]] std::unique_ptr<SymmetricTransport> make_by_nodes(const TransportSetup& setup);

}  // namespace rlx
