#pragma once
// Brings the ranks to life and runs the benchmark on each.

#include "tools/bench/options.hpp"

namespace rlx::bench {

/// Gives the process's exit code (see ExitCode). Failures have been printed on stderr.
/// Throws UsageError for launches that can not work here.
[[nodiscard]] int launch(const Options& options);

}  // namespace rlx::bench
