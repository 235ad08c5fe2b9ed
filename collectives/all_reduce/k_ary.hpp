#pragma once
// Recursive exchange of whole vectors, shared by the radices and by slots and lines.

#include "collectives/algorithms.hpp"
#include "collectives/butterfly.hpp"

namespace rlx::collectives::all_reduce {

/// Where vectors arrive: in scratch, or in the lines of their signals (up to 56 bytes).
enum class Carrier : std::uint8_t { scratch, line };

/// An all_reduce by recursive exchange with radices of up to `radix`, and its cost.
[[nodiscard]] Schedule exchange_recursively(const Group& group, std::uint32_t radix,
                                            Carrier carrier);
[[nodiscard]] Cost recursive_exchange_cost(std::uint32_t ranks, std::uint32_t radix,
                                           Carrier carrier);

}  // namespace rlx::collectives::all_reduce
