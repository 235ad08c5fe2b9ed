#pragma once
// One-shot schedules that read every peer's input where it lies. They need load/store reach between
// all ranks, so they are not in the table; the verifier proves them, and they are what shows that
// ARRIVE and EXIT are looked at.

#include "collectives/group.hpp"
#include "collectives/schedule.hpp"

namespace rlx::collectives::reference {

/// Each rank announces its memory to all, reads what it needs from all, and tells all that it has
/// read. all_reduce, all_gather or reduce_scatter.
[[nodiscard]] Schedule direct(Collective collective, const Group& group);

/// Peers have a word each: up to 65 ranks.
[[nodiscard]] bool direct_supports(std::uint32_t ranks);

}  // namespace rlx::collectives::reference
