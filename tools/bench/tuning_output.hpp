#pragma once
// What rank 0 makes of measured choices: the file, and tables for people.

#include <string>
#include <vector>

#include "collectives/tuning_table.hpp"
#include "tools/bench/crossovers.hpp"

namespace rlx::bench {

/// The table of the file; empty where there is none. Throws UsageError that names what is wrong, or
/// why it can not be read.
[[nodiscard]] collectives::TuningTable load_tuning(const std::string& path);

/// Writes the whole file beside it and renames: whoever reads sees the old one or the new one.
/// Throws UsageError.
void save_tuning(const std::string& path, const collectives::TuningTable& table);

/// Size by algorithm in microseconds, the best of each size marked by *, of those past the caches
/// by s, of those in pieces of their own by p; then the choices.
[[nodiscard]] std::string tuning_text(const collectives::TuningEntry& entry,
                                      const std::vector<MeasuredSize>& sizes);

}  // namespace rlx::bench
