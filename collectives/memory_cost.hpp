#pragma once
// What loads and stores of mapped memory cost, where another core's cache may hold it: constants of
// the cost model (tuner.cpp), fitted to measurements of two ranks on two cores. A table measured on
// the machine itself (rlx-bench --tune) goes before them.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rlx::collectives {

/// How the cores of a processor share their caches. Travels when communicators are wired.
enum class CacheLayout : std::uint8_t {
  mesh,      ///< one third level for all cores, which copies of lines are looked up in
  complexes  ///< a third level for some cores each, through which they hand lines on: AMD's Zen
};
/// "mesh", "complexes".
[[nodiscard]] std::string_view to_string(CacheLayout layout) noexcept;
/// The one of this machine, by the processor's vendor: mesh where it is not known.
[[nodiscard]] CacheLayout cache_layout_here() noexcept;

/// Bytes per microsecond of one core, and microseconds.
struct MemoryCost {
  double copied_per_us = 25000;
  double reduced_per_us = 40000;       ///< added to a sum, besides the first source
  double loaded_per_us = 12000;        ///< read from another core's cache
  double stored_per_us = 15000;        ///< written there, where the line is here already
  double stored_apart_per_us = 15000;  ///< and where it is not: results out of place
  /// A copy that goes to another core's lines, while they are in a cache: up to cached_bytes.
  double copied_to_peers_per_us = 7000;
  double cached_bytes = 128 << 10;
  double single_copy_us = 1.4;          ///< a copy by the system
  double single_copied_per_us = 30000;  ///< besides loading
  double piece_us = 0.1;                ///< what a further piece takes besides
  double load_us = 0.045;               ///< the first line of a peer's chunk
  double line_us = 0.018;               ///< each further one that comes with a signal of its own
  double put_us = 0.04;                 ///< the first line put into a peer's memory
  double store_us = 0.06;               ///< the first line of results stored there ...
  double copy_to_peer_us = 0.15;        ///< ... and of a copy
  double fetch_us = 0.15;               ///< of what the signal does not bring along
  double known_fetch_us = 0.02;         ///< the same from a place that was known before
  double relay_us = 0.25;               ///< a message that waits for another one
  double node_round_us = 0.3;           ///< a round of signals within a node
  /// So many bytes of scratch move on from member to member, of groups no larger than this, where
  /// it is dearer to write what another core has read than what this one has. None by default.
  std::size_t rotates_from = 0, rotates_to = 0;
  std::uint32_t rotates_most_ranks = 0;
};

[[nodiscard]] const MemoryCost& memory_cost(CacheLayout layout) noexcept;

}  // namespace rlx::collectives
