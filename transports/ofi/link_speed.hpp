#pragma once
// How fast each interface is, tried with puts of this rank's own while the transport is made: each
// rank puts to one rank of another node and is put to by one, all at the same time, one interface
// after the other, for a few milliseconds each. What is timed lasts until the target has
// acknowledged the bytes, so that what a system only keeps in its buffers does not count.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "rlx/rank.hpp"
#include "transports/ofi/rail.hpp"
#include "transports/transports.hpp"

namespace rlx::ofi {

/// By rank, to whom it puts: the ranks ordered by node (`node_of` by rank), shifted by the ranks of
/// the largest node, so that nobody is put to by two. nullopt where that leads to a rank of the
/// same node, as it does where one node has more than half of all.
[[nodiscard]] std::vector<std::optional<Rank>> put_targets(std::span<const std::uint32_t> node_of);

/// Everybody's speeds in bytes per microsecond, rank after rank, of each a speed for each
/// interface; 0 where a rank had nobody to put to. `rails`: one of each interface. Collective;
/// afterwards the rails are as before, except for memory that stays registered, which `owner` of
/// the rails keeps. Throws the same CollectiveError on all ranks (Timeout, PeerFailed or
/// OutOfMemory) naming a rank and an interface, where the puts have no end within
/// Config::startup_timeout: an interface that leads nowhere is found here.
[[nodiscard]] std::vector<double> measure_links(const TransportSetup& setup,
                                                SymmetricTransport& owner,
                                                std::span<Rail* const> rails,
                                                std::span<const std::uint32_t> node_of);

}  // namespace rlx::ofi
