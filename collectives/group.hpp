#pragma once
// The ranks that an algorithm works on, as it sees them: a size and my index. Which communicator
// rank stands behind an index is a map that only the executor (and composition) looks at.

#include <cstdint>

#include "collectives/nodes.hpp"

namespace rlx::collectives {

struct Group {
  std::uint32_t size = 1;
  std::uint32_t me = 0;
  /// How they are spread over nodes, where some share one and some do not; outlives the call.
  /// Null: everybody is reached alike.
  const Nodes* nodes = nullptr;
};

}  // namespace rlx::collectives
