#pragma once
// Forks ranks of this program and looks after them until all have ended.

#include <cstddef>
#include <functional>
#include <vector>

namespace rlx::bootstrap {

/// Forks `n` children, runs `body(rank)` in each and returns their exit codes (a signal counts as
/// 128 + its number) in rank order once all have been reaped. SIGINT and SIGTERM are passed on to
/// the children. When a child dies by a signal, or after SIGINT or SIGTERM, the others have
/// `grace_seconds` to end by themselves before they get SIGKILL; children of a parent that is
/// killed get SIGKILL at once. Call it before any thread exists: a fork copies the calling thread
/// alone. Exit handlers of the parent do not run in the children.
/// Throws CollectiveError(Launch) when the system refuses a process.
[[nodiscard]] std::vector<int> run_forked(std::size_t n, double grace_seconds,
                                          const std::function<int(std::size_t)>& body);

}  // namespace rlx::bootstrap
