#pragma once
// FNV-1a with 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv): a number that tells texts and records
// apart, the same on every rank and in every run. Not for what an adversary chooses.

#include <cstdint>
#include <ranges>

namespace rlx::detail {

inline constexpr std::uint64_t kFnvBasis = 0xcbf29ce484222325ULL;

/// Of bytes or characters; of several ranges, one after the other, with what came before as `hash`.
template <std::ranges::input_range Bytes>
[[nodiscard]] constexpr std::uint64_t fnv1a(const Bytes& bytes, std::uint64_t hash = kFnvBasis) {
  static_assert(sizeof(std::ranges::range_value_t<Bytes>) == 1);
  for (const auto byte : bytes) hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3ULL;
  return hash;
}

}  // namespace rlx::detail
