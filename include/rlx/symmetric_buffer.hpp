#pragma once
// A view of symmetric memory: (rank, offset, length). Never an owner.

#include <cstddef>
#include <cstdint>

#include "rlx/rank.hpp"

namespace rlx {

/// `offset` counts bytes from the start of the rank's heap address range and is the same on every
/// member for the same allocation; `length` is in bytes.
struct SymmetricBuffer {
  Rank rank;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  /// The same bytes on another rank.
  [[nodiscard]] constexpr SymmetricBuffer on(Rank other) const { return {other, offset, length}; }

  friend constexpr bool operator==(const SymmetricBuffer&, const SymmetricBuffer&) = default;
};

}  // namespace rlx
