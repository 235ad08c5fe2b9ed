#pragma once
// What the header of a report says.

#include <string_view>

#include "tools/bench/measurement.hpp"

namespace rlx::bench {

/// What does not depend on the collective: ranks, hosts, launch, transport. Collective. Equal on
/// all ranks.
[[nodiscard]] RunInfo collect_host_info(Communicator& comm, const Options& options,
                                        std::string_view launch, const std::string& line_up);

/// Collective. Equal on all ranks.
[[nodiscard]] RunInfo collect_run_info(const Bench& bench, std::string_view launch);

}  // namespace rlx::bench
