#pragma once
// What a start takes, measured in the job that rlx-info runs in, and what it would take with more
// ranks.

#include <cstddef>

#include "tools/info/document.hpp"

namespace rlx::info {

/// Starts communicators of half of the ranks and then of all, twice, and looks at the second time.
/// Collective over MPI_COMM_WORLD; complete on rank 0. Keys:
///   phases      by phase, of all ranks: name, us (the slowest rank), exchanges, bytes (received by
///               each rank), heap (bytes of the C heap, the rank with most)
///   ranks, us, heap, private_memory   in all; of the rank with most
///   heap_per_rank, exchanged_per_rank what each further rank adds on every rank, from the two
///   sizes at          the same for `ranks` ranks: heap, exchanged, seconds
/// Throws CollectiveError(InvalidArgument) with fewer than 4 ranks.
[[nodiscard]] Json describe_budget(std::size_t ranks);

/// As tables for people.
[[nodiscard]] std::string render_budget(const Json& budget);

}  // namespace rlx::info
