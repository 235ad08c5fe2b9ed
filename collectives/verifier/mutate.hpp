#pragma once
// Can the verifier fail? It is given schedules with one thing wrong, and must reject each of them.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collectives/algorithms.hpp"
#include "collectives/verifier/finding.hpp"

namespace rlx::collectives::verifier {

/// What became of one kind of seeded fault.
struct Tally {
  std::string_view kind;  ///< "delete", "double", "retarget", ...
  std::uint32_t tried = 0;
  std::map<Fault, std::uint32_t> reasons;  ///< why mutants were rejected
  std::vector<std::string> survivors;      ///< mutants that nothing was found against
  std::string not_applicable;              ///< why none was tried, if none was
};

/// Told of every mutant: its kind, what was done, and the finding that rejected it, or nullptr.
using Witness =
    std::function<void(std::string_view kind, const std::string& what, const Finding* reason)>;

/// Seeds every fault there is into the schedules of an algorithm for a group of at least 2 ranks.
[[nodiscard]] std::vector<Tally> mutate(const Algorithm& algorithm, const Group& group,
                                        const Witness& witness = {});

}  // namespace rlx::collectives::verifier
