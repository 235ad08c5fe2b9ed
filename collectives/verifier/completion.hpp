#pragma once
// What must hold when a rank completes its epoch (rule 3), and when all have.

#include <span>
#include <string>
#include <vector>

#include "collectives/verifier/facts.hpp"
#include "collectives/verifier/memory.hpp"
#include "collectives/verifier/sync.hpp"

namespace rlx::collectives::verifier {

/// A run that has come to its end.
struct FinishedRun {
  std::span<const Schedule> schedules;
  Memory& memory;
  const Sync& sync;
  std::uint32_t lanes;
};

/// Every output holds what it should, finalised once, and the application, which reads and
/// overwrites all of the rank's input and output from the moment of its completion, meets nobody
/// there. No scratch chunk and no line was written for nothing. Sums are associated alike
/// everywhere.
void check_completion(const FinishedRun& run, Findings& findings);

/// What each rank knows when all its lanes are done.
[[nodiscard]] std::vector<Clock> completion_clocks(const Sync& sync, std::uint32_t ranks,
                                                   std::uint32_t lanes);

/// "rank 2 may complete before rank 0 has started".
[[nodiscard]] std::string missing_dependence(const EpochFacts& facts);

}  // namespace rlx::collectives::verifier
