#pragma once
// --verify and --mutate: what the verifier says, as PASS and FAIL lines on standard output.

#include <cstdint>
#include <span>

#include "collectives/algorithms.hpp"

namespace rlx::explain {

enum class Detail : std::uint8_t { summary, everything };

/// The algorithm in this group, alone and among the others. False: there are findings.
[[nodiscard]] bool verify(const collectives::Algorithm& algorithm, const collectives::Group& group);

/// Seeded faults in this group. False: a mutant survived. `everything` prints each mutant with the
/// reason for its rejection.
[[nodiscard]] bool mutate(const collectives::Algorithm& algorithm, const collectives::Group& group,
                          Detail detail);

}  // namespace rlx::explain
