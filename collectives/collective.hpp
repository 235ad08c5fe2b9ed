#pragma once
// The collectives there are. Numbers are part of the wire format (call descriptors).

#include <cstdint>
#include <string_view>

namespace rlx::collectives {

enum class Collective : std::uint8_t {
  barrier = 0,
  all_reduce = 1,
  all_gather = 2,
  reduce_scatter = 3
};

[[nodiscard]] std::string_view to_string(Collective collective);
/// Throws CollectiveError(InvalidArgument) that lists the names.
[[nodiscard]] Collective parse_collective(std::string_view name);

}  // namespace rlx::collectives
