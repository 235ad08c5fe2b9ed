#pragma once
// rlx-bench put: what one-sided puts give between pairs of ranks, as the limit of what collectives
// can reach with messages.

#include <string_view>

#include "rlx/communicator.hpp"
#include "tools/bench/options.hpp"

namespace rlx::bench {

/// Collective. Rank 0 prints. Gives kOk, or kWrongData on every rank. Throws CollectiveError as the
/// transport does, and UsageError as run_benchmark() and where there is one rank alone.
[[nodiscard]] int run_put_benchmark(Communicator& comm, const Options& options,
                                    std::string_view launch);

}  // namespace rlx::bench
