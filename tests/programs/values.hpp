#pragma once
// Contributions whose reductions are exact, and what the reduction of them is.

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "tests/programs/random_call.hpp"

namespace programs {

/// Contribution of `rank` at `index` in a communicator of `ranks`: any bits for integers (sums and
/// products wrap). Floating values stay so small that every partial sum is a whole number that even
/// bf16 (up to 256) or an 8-bit float (up to 8) holds, means divide evenly and products are powers
/// of two.
template <class T>
T contribution(const CallSpec& spec, std::size_t ranks, std::size_t rank, std::size_t index) {
  const std::uint64_t bits = Random::mix(spec.salt ^ Random::mix(rank * 0x10001 + index * 64 + 7));
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(bits);
  } else {
    const auto whole = [&](int limit) {
      return static_cast<int>(bits % static_cast<std::uint64_t>(2 * limit + 1)) - limit;
    };
    const int n = static_cast<int>(ranks);
    constexpr int kWhole = sizeof(T) == 1 ? 8 : 256;
    // With more ranks than that only every so manieth contributes to an index.
    const bool silent = (rank + index) % ((ranks + kWhole - 1) / kWhole) != 0;
    constexpr float kFactors[] = {1, -1, 2, 0.5f};
    switch (spec.kind) {
      case rlx::ReduceKind::Sum:
        return T(silent ? 0.0F : static_cast<float>(whole(std::clamp(kWhole / n, 1, 8))));
      case rlx::ReduceKind::Mean:
        if (n * n <= kWhole) return T(static_cast<float>(n * whole(1)));
        if (n > kWhole) return T(0.0F);
        return T(static_cast<float>(static_cast<int>(index % 3) - 1));
      case rlx::ReduceKind::Product:
        return T(kFactors[bits % (n <= 8 ? 4 : 2)]);
      default:
        return T(static_cast<float>(whole(100)));
    }
  }
}

template <class T>
T combine(rlx::ReduceKind kind, T a, T b) {
  const bool greater = [&] {
    if constexpr (std::is_integral_v<T>)
      return a > b;
    else
      return static_cast<double>(static_cast<float>(a)) >
             static_cast<double>(static_cast<float>(b));
  }();
  if (kind == rlx::ReduceKind::Max) return greater ? a : b;
  if (kind == rlx::ReduceKind::Min) return greater ? b : a;
  if constexpr (std::is_integral_v<T>) {
    if (kind == rlx::ReduceKind::And) return static_cast<T>(a & b);
    if (kind == rlx::ReduceKind::Or) return static_cast<T>(a | b);
    if (kind == rlx::ReduceKind::Xor) return static_cast<T>(a ^ b);
  }
  if constexpr (std::is_integral_v<T>) {
    const auto x = static_cast<std::uint64_t>(a);
    const auto y = static_cast<std::uint64_t>(b);
    return static_cast<T>(kind == rlx::ReduceKind::Product ? x * y : x + y);
  } else {
    const auto x = static_cast<float>(a);  // whole numbers that T holds and powers of two: exact
    const auto y = static_cast<float>(b);
    return T(kind == rlx::ReduceKind::Product ? x * y : x + y);
  }
}

/// The reduction of all ranks' contributions at `index`.
template <class T>
T reduced(const CallSpec& spec, std::size_t ranks, std::size_t index) {
  T result = contribution<T>(spec, ranks, 0, index);
  for (std::size_t rank = 1; rank < ranks; ++rank)
    result = combine(spec.kind, result, contribution<T>(spec, ranks, rank, index));
  if (spec.kind != rlx::ReduceKind::Mean) return result;
  if constexpr (std::is_signed_v<T> && std::is_integral_v<T>)
    return static_cast<T>(static_cast<std::int64_t>(result) / static_cast<std::int64_t>(ranks));
  else if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<std::uint64_t>(result) / ranks);
  else
    return T(static_cast<float>(result) / static_cast<float>(ranks));
}

}  // namespace programs
