#pragma once
// Happens-before by vector clocks. A component is one lane of one rank; its events within an epoch
// are its start (event 1) and its steps (step i is event i + 2). Event 0 is nothing.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace rlx::collectives::verifier {

using Component = std::uint32_t;
using Event = std::uint32_t;

inline constexpr Component kNoComponent = 0xffffffff;
inline constexpr Event kStart = 1;

[[nodiscard]] constexpr Event event_of(std::uint32_t step) { return step + 2; }

/// clock[d] is the last event of component d that happened before, or at, what the clock belongs
/// to.
using Clock = std::vector<Event>;

inline void join(std::span<Event> clock, std::span<const Event> other) {
  for (std::size_t d = 0; d < clock.size(); ++d) clock[d] = std::max(clock[d], other[d]);
}

}  // namespace rlx::collectives::verifier
