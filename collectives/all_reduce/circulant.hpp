#pragma once
// An all_reduce over a circulant graph, with few partners in a round or many.

#include "collectives/algorithms.hpp"
#include "collectives/butterfly.hpp"

namespace rlx::collectives::all_reduce {

[[nodiscard]] Schedule generate_over(const Circulant& graph, const Group& group);
[[nodiscard]] Cost cost_over(const Circulant& graph);

}  // namespace rlx::collectives::all_reduce
