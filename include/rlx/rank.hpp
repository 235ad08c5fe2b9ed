#pragma once
// A rank: the number of one member of a communicator, stable for that communicator's life.
// A strong integer, so that it is never mixed up with a count, a chunk or an offset.

#include <compare>
#include <cstddef>
#include <cstdint>

namespace rlx {

class Rank {
 public:
  constexpr Rank() = default;
  /// Explicit on purpose: an integer becomes a rank only where the code says so.
  constexpr explicit Rank(std::uint32_t value) : value_(value) {}

  [[nodiscard]] constexpr std::uint32_t value() const { return value_; }
  /// The rank as an index into per-rank tables.
  [[nodiscard]] constexpr std::size_t index() const { return value_; }

  friend constexpr auto operator<=>(Rank, Rank) = default;

 private:
  std::uint32_t value_ = 0;
};

}  // namespace rlx
