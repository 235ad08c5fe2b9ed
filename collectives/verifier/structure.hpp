#pragma once
// What can be said about schedules without running them: operands, words and parts.

#include <span>

#include "collectives/nodes.hpp"
#include "collectives/schedule.hpp"
#include "collectives/verifier/finding.hpp"

namespace rlx::collectives::verifier {

/// Schedule i is that of rank i. Checks that
///  - all ranks agree about collective, chunks, scratch and declarations,
///  - operands lie in their spaces, puts and steps have as many as they need, inputs are not
///  written,
///  - what is loaded, stored or awaited where it was published belongs to a mate, if there are
///  nodes,
///  - each word has one writer, in one lane, whose parts are 1, 2, 3, ... (rule 1),
///  - each signal is awaited by its target, exactly once and in order, and each wait names its
///    writer and has its signal (rule 6).
[[nodiscard]] Findings check_structure(std::span<const Schedule> schedules,
                                       const Nodes* nodes = nullptr);

}  // namespace rlx::collectives::verifier
