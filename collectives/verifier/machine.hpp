#pragma once
// An abstract run of one epoch: all ranks of a schedule, every step once.
//
// Words have one writer and only grow, so nothing that a rank may do is ever taken away by another:
// the system is determinate, and one maximal run decides for all interleavings whether they
// deadlock. Happens-before is the same in all of them too, so the same run decides about races.

#include <span>

#include "collectives/verifier/facts.hpp"
#include "collectives/verifier/memory.hpp"

namespace rlx::collectives::verifier {

/// Runs the schedules (schedule i is rank i's) in one epoch; with nodes, only mates map each
/// other's memory, and costs are counted within nodes and between them. Structural faults are found
/// first, and then nothing is run. Otherwise finds deadlock, undefined values, wrong contributions,
/// races, missing ARRIVEs, accesses that outlive a completion (EXIT), and differences of
/// association.
[[nodiscard]] EpochFacts run_epoch(std::span<const Schedule> schedules, Placement placement,
                                   const Nodes* nodes = nullptr);

}  // namespace rlx::collectives::verifier
