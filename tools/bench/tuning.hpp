#pragma once
// rlx-bench --tune: which algorithm is fastest for which calls of these ranks over this transport.

#include <string_view>

#include "rlx/communicator.hpp"
#include "tools/bench/options.hpp"

namespace rlx::bench {

/// Collective. Rank 0 prints a table for each kind of call, and adds what was found to the file
/// after each. Gives kOk. Throws CollectiveError, and UsageError on all ranks where the file can
/// not be read or written.
[[nodiscard]] int run_tuning(Communicator& comm, const Options& options, std::string_view launch);

}  // namespace rlx::bench
