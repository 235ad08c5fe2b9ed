#pragma once
// How many chunks each space of a schedule has.

#include <cstdint>

#include "collectives/schedule.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives {

[[nodiscard]] constexpr std::uint32_t chunks_of(const Schedule& schedule, Space space) {
  switch (space) {
    case Space::input:
      return schedule.collective == Collective::all_gather ? 1 : schedule.chunks;
    case Space::output:
      return schedule.collective == Collective::reduce_scatter ? 1 : schedule.chunks;
    case Space::scratch:
      return schedule.scratch_chunks;
    case Space::line:
      return kWordsPerSet;
    case Space::arrival:
      return 1;
  }
  return 0;
}

/// How many chunks a reference holds: several lines hold one.
[[nodiscard]] constexpr std::uint32_t chunks_in(const Ref& ref) {
  return ref.space == Space::line ? 1 : ref.count;
}

}  // namespace rlx::collectives
