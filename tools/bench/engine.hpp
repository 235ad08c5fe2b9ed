#pragma once
// One rank's part of a run: the sweep over types, operations and sizes.

#include <string_view>

#include "rlx/communicator.hpp"
#include "tools/bench/options.hpp"
#include "tools/bench/rival.hpp"

namespace rlx::bench {

/// Exit codes of rlx-bench.
enum ExitCode : int { kOk = 0, kUsage = 1, kFailed = 2, kWrongData = 3 };

/// Collective. Rank 0 prints. `rival` may be null. Throws CollectiveError,
/// and UsageError on all ranks when the output file can not be made (only rank 0's has a text).
/// Gives kOk, or kWrongData on every rank when any rank, or this one, found a wrong element.
[[nodiscard]] int run_benchmark(Communicator& comm, const Options& options, std::string_view launch,
                                Rival* rival);

}  // namespace rlx::bench
