#pragma once
// A failure as one readable block.

#include <string>

#include "rlx/error.hpp"

namespace rlx::bench {

/// Several lines: who stopped, the kind, the ranks concerned, operation, sequence, step, and what
/// happened and what to do. What does not apply is left out.
[[nodiscard]] std::string error_block(const CollectiveError& error, const std::string& who);

}  // namespace rlx::bench
