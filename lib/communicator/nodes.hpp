#pragma once
// Which ranks map each other's memory, agreed by all: what schedules that load and store within a
// node and send messages between nodes are made from.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rlx/symmetric_transport.hpp"

namespace rlx::detail {

/// Whose signal region a rank can load and store, itself among them, in short; nobody's where it
/// has to go through the transport even for its own. Travels.
struct MappedSet {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint64_t digest = 0;  ///< of the ranks
  friend auto operator<=>(const MappedSet&, const MappedSet&) = default;
};

/// Of a transport whose signal regions have all been admitted.
[[nodiscard]] MappedSet mapped_set(const SymmetricTransport& transport) noexcept;

/// A number by rank, equal for ranks that all map each other: 0, 1, ... in the order of their first
/// ranks. Who maps some of a set and not others, or is not mapped in turn, is on a node of its own.
[[nodiscard]] std::vector<std::uint32_t> agree_on_nodes(std::span<const MappedSet> by_rank);

/// Whether all ranks map everybody.
[[nodiscard]] bool everybody_maps_all(std::span<const MappedSet> by_rank) noexcept;

/// Whether these ranks are on one node.
[[nodiscard]] bool on_one_node(std::span<const std::uint32_t> node_of, std::span<const Rank> ranks);

/// Without anybody to agree with: one node where all are mapped, else everybody alone.
[[nodiscard]] std::vector<std::uint32_t> nodes_alone(const SymmetricTransport& transport);

}  // namespace rlx::detail
