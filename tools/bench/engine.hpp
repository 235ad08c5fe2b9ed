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

/// Collective. Until the job's start is over: without this the first row is far too slow at times,
/// most likely because what launched the job still works on these cores. The ranks agree on the
/// time.
void let_start_up_pass(Communicator& comm);

}  // namespace rlx::bench
