#pragma once
// What the header of a report says.

#include <string_view>

#include "tools/bench/measurement.hpp"

namespace rlx::bench {

/// Collective. Equal on all ranks.
[[nodiscard]] RunInfo collect_run_info(const Bench& bench, std::string_view launch);

}  // namespace rlx::bench
