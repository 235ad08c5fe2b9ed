#pragma once
// The file of -J.

#include <fstream>
#include <string>

namespace rlx::bench {

/// A new file at `path`, or at the first of path.0, path.1, ... that does not exist: nothing is
/// ever overwritten. Throws UsageError naming path and reason.
[[nodiscard]] std::ofstream open_exclusively(const std::string& path);

}  // namespace rlx::bench
