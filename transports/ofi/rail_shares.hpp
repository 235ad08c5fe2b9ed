#pragma once
// Which rail a lane takes: shares of the lanes in proportion to what was measured. Pure functions
// of values that are equal on all ranks.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rlx::ofi {

inline constexpr std::size_t kMostRails = 8;

/// Lanes for each rail, where there are several: shares are multiples of a sixteenth of a rail's
/// even one, and even ones are exact.
inline constexpr std::size_t kLanesPerRail = 16;

/// Interfaces whose speeds differ by less than this factor have equal shares: measurements of some
/// milliseconds beside other work differ by so much, and equal interfaces are the common case.
inline constexpr double kAlike = 1.5;

/// The middle one (the upper of two); 0 of none.
[[nodiscard]] double median_of(std::vector<double> values);

/// One speed for each of `interfaces` from what a rank measured (`turns`: all interfaces one after
/// the other, again and again). Interfaces are compared within a turn, because what else a machine
/// does changes from turn to turn: the median part of the turn's sum, of the median sum. All 0
/// where a turn lacks a speed.
[[nodiscard]] std::vector<double> steady_speeds(std::span<const double> turns,
                                                std::size_t interfaces);

/// One speed for each of `interfaces` from everybody's (`figures`: rank after rank, 0 where a rank
/// has measured nothing), in the same unit: of a node the median of its ranks, of all nodes the
/// slowest, because collectives wait for that. `node_of` by rank. All 0 where nothing was measured.
[[nodiscard]] std::vector<double> agreed_speeds(std::span<const double> figures,
                                                std::size_t interfaces,
                                                std::span<const std::uint32_t> node_of);

/// The share of each rail, together 1: of its interface in proportion to its speed (equal where
/// nothing is known, or they are alike), evenly among the rails of an interface.
[[nodiscard]] std::vector<double> rail_shares(std::span<const double> speeds,
                                              std::span<const std::uint8_t> interface_of);

/// By lane, its rail: so many lanes of each that the slowest is done as soon as can be (a rail with
/// next to nothing has none), spread evenly; lane 0 is of a rail with most. One lane for one rail,
/// else kLanesPerRail for each.
[[nodiscard]] std::vector<std::uint8_t> lane_table(std::span<const double> shares);

/// By how much several interfaces are faster than the fastest alone: the sum of their speeds, in
/// its.
[[nodiscard]] double gain_of(std::span<const double> shares,
                             std::span<const std::uint8_t> interface_of);

/// The interfaces of up to kMostRails rails in 32 bits, four for each, and back.
[[nodiscard]] std::uint32_t pack_interfaces(std::span<const std::uint8_t> interface_of);
[[nodiscard]] std::vector<std::uint8_t> unpack_interfaces(std::uint32_t packed, std::size_t rails);

}  // namespace rlx::ofi
