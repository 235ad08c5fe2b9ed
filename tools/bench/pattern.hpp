#pragma once
// The data of a benchmark: contributions whose reduction is exact in every dtype and in every
// order, and the result that follows from (rank, index, size) alone.
//
// The whole vector of a collective has one index per element. Index and seed select one of 64
// slots by a hash, so that a shifted, stale or swapped piece shows; rank and slot give the
// contribution, a small number; the expected result of a slot is computed from all ranks'
// contributions to it. Sums stay within the integers that the dtype represents, integers may wrap,
// products are of powers of two or odd integers, Mean of floating types divides evenly.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "rlx/dtype.hpp"
#include "rlx/rank.hpp"
#include "rlx/reduce_kind.hpp"

namespace rlx::bench {

inline constexpr std::size_t kPatternSlots = 64;

/// What `rank` of `ranks` contributes to one slot, exact in `dtype`. Without a kind: data that is
/// moved, not reduced.
[[nodiscard]] double contribution(DType dtype, std::optional<ReduceKind> kind, std::size_t ranks,
                                  Rank rank, std::size_t slot);

/// Which slot an element of the whole vector belongs to.
[[nodiscard]] constexpr std::size_t pattern_slot(std::uint64_t index, std::uint64_t seed) {
  std::uint64_t x = (index + seed * 0xD1B54A32D192ED03ULL) * 0x9E3779B97F4A7C15ULL;
  x ^= x >> 32;
  return static_cast<std::size_t>((x * 0xBF58476D1CE4E5B9ULL) >> 58);
}

/// A run of elements: `count` of them at `data`, the first being element `first` of the vector.
template <class Byte>
struct Elements {
  Byte* data = nullptr;
  std::uint64_t first = 0;
  std::size_t count = 0;
};

class Pattern {
 public:
  Pattern(DType dtype, std::optional<ReduceKind> kind, std::size_t ranks);

  /// Writes what `rank` contributes.
  void fill(Elements<std::byte> to, Rank rank, std::uint64_t seed) const;
  /// How many elements differ from the reduction over all ranks.
  [[nodiscard]] std::uint64_t count_wrong(Elements<const std::byte> from, std::uint64_t seed) const;
  /// How many elements differ from what `rank` contributed.
  [[nodiscard]] std::uint64_t count_wrong(Elements<const std::byte> from, Rank rank,
                                          std::uint64_t seed) const;

 private:
  /// One element per slot, as raw bytes of the dtype.
  using Table = std::array<std::uint64_t, kPatternSlots>;

  [[nodiscard]] Table contributions_of(Rank rank) const;
  [[nodiscard]] Table reduce_all() const;

  DType dtype_;
  std::optional<ReduceKind> kind_;
  std::size_t ranks_;
  Table expected_{};
};

}  // namespace rlx::bench
