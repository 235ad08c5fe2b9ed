#pragma once
// Schedules in words: what findings, error messages and rlx-explain show.

#include <string>

#include "collectives/group.hpp"
#include "collectives/schedule.hpp"

namespace rlx::collectives {

/// "4 ranks", "4 ranks on nodes 2x2".
[[nodiscard]] std::string describe(const Group& group);

/// "input 3", "scratch 0..4", "rank 2's input 0".
[[nodiscard]] std::string describe(const Ref& ref);

/// "put scratch 1 into scratch 2 of rank 3, word 0 part 2".
[[nodiscard]] std::string describe(const Schedule& schedule, const Step& step);

}  // namespace rlx::collectives
