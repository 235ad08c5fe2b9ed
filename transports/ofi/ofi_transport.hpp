#pragma once
// The libfabric transport: one-sided writes over whatever provider a machine has.

#include <memory>
#include <optional>
#include <vector>

#include "rlx/symmetric_transport.hpp"
#include "transports/transports.hpp"

namespace rlx {

namespace ofi {
class Fabric;
}

struct OfiOptions {
  /// By rank: the peers to reach. Nothing is done for the others: their addresses are not used, no
  /// connection is made, and their deaths are not looked for. Empty: all.
  std::vector<bool> reaches{};
  /// How much of a WindowKey may be used: the same on all ranks.
  std::size_t key_room = sizeof(WindowKey::bytes);
  // For tests:
  ofi::Fabric* fabric = nullptr;           ///< instead of the library; must outlive the transport
  std::optional<SignalProtocol> protocol;  ///< instead of the one chosen from the promises
  bool watch_processes = true;             ///< whether deaths are learnt from this machine's kernel
};

/// Opens a provider and learns everybody's address. Config::provider names one; otherwise the first
/// that all ranks have of: cxi, efa, verbs;ofi_rxm, opx, tcp, tcp;ofi_rxm, net. Config::interface
/// names one or several interfaces, addresses of rank 0 (standing for their subnets), or domains of
/// a provider without IP addresses; otherwise loopback where all ranks are on one node, else a
/// subnet common to all ranks. Collective over setup.exchange; throws the same CollectiveError on
/// all ranks: InvalidArgument for an unknown provider or interface, Unsupported for a provider
/// without reliable one-sided writes or one that some ranks lack, Transport for what the provider
/// refuses.
///
/// Config::rails endpoints (rails), at least as many as interfaces are named, lie on those
/// interfaces in turn, or where none are named on the common subnets of different interfaces. Lanes
/// are spread over the rails: evenly on one interface; over several in proportion to their speeds,
/// which are measured here by puts of some milliseconds to another node (Timeout or PeerFailed
/// where an interface leads nowhere). libfabric's shm has one rail, and where the provider chooses
/// 8-byte memory keys there are at most 6 (3 beside shared memory): a line of the log says so.
///
/// Nothing is set in the environment; FI_* variables work as libfabric documents them.
[[nodiscard]] std::unique_ptr<SymmetricTransport> make_ofi(const TransportSetup& setup);
[[nodiscard]] std::unique_ptr<SymmetricTransport> make_ofi(const TransportSetup& setup,
                                                           const OfiOptions& options);

}  // namespace rlx
