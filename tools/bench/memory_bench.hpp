#pragma once
// rlx-bench memory: what the memory system gives to all ranks at once, and what the collectives
// could reach with it.

#include <string_view>

#include "rlx/communicator.hpp"
#include "tools/bench/options.hpp"

namespace rlx::bench {

/// Collective. Rank 0 prints. Gives kOk. Throws CollectiveError where ranks can not map each
/// other's memory or there is no room for it, and UsageError as run_benchmark().
[[nodiscard]] int run_memory_benchmark(Communicator& comm, const Options& options,
                                       std::string_view launch);

}  // namespace rlx::bench
