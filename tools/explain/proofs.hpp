#pragma once
// --verify and --mutate: what the verifier says, as PASS and FAIL lines on standard output.

#include <cstdint>
#include <span>

#include "collectives/algorithms.hpp"

namespace rlx::explain {

enum class Detail : std::uint8_t { summary, everything };

/// The algorithm on so many ranks, alone and among the others. False: there are findings.
[[nodiscard]] bool verify(const collectives::Algorithm& algorithm, std::uint32_t ranks);

/// Seeded faults on 2 to `most_ranks` ranks. False: a mutant survived. `everything` prints each
/// mutant with the reason for its rejection.
[[nodiscard]] bool mutate(const collectives::Algorithm& algorithm, std::uint32_t most_ranks,
                          Detail detail);

}  // namespace rlx::explain
