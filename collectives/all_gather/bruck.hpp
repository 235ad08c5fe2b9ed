#pragma once
// Gathering over a circulant graph, shared by all_gather and all_reduce, with few partners in a
// round or many.

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/butterfly.hpp"

namespace rlx::collectives::all_gather {

/// Brings every rank's block to every rank, by rounds backwards through the graph: block me + j to
/// scratch j (p chunks from 0), and from there to output me + j for all j but 0. `mine` is this
/// rank's block: scratch 0, or its input, which is then copied to output me and, where later rounds
/// send it, to scratch 0. Uses graph.messages() words from `first_word`. At least 2 ranks.
void gather_phase(Builder& b, const Circulant& graph, Ref mine, Word first_word);

/// An all_gather over this graph, and its cost.
[[nodiscard]] Schedule generate_over(const Circulant& graph, const Group& group);
[[nodiscard]] Cost cost_over(const Circulant& graph);

}  // namespace rlx::collectives::all_gather
