#pragma once
// Integer division of many by one.

#include <cstdint>
#include <type_traits>

namespace rlx::cpu {

/// Quotients by one divisor of at least 1, truncating. Up to 32 bits they are made in float or
/// double, which vectorises: a true quotient that is not whole is at least 1 / divisor below the
/// next whole number, and its rounding error is smaller than that, so the truncation is exact.
template <class T>
class Divider {
  using Exact = std::conditional_t<sizeof(T) <= 2, float, double>;

 public:
  explicit Divider(std::uint64_t divisor)
      : divisor_(divisor), inexact_(static_cast<Exact>(divisor)) {}

  T operator()(T value) const {
    if constexpr (sizeof(T) == 8) {
      return by_magnitude(value);
    } else {
      using Whole = std::conditional_t<sizeof(T) <= 2, std::int32_t, std::int64_t>;
      return static_cast<T>(static_cast<Whole>(static_cast<Exact>(value) / inexact_));
    }
  }

 private:
  // Neither the smallest value nor a divisor above the largest overflows.
  T by_magnitude(T value) const {
    const auto bits = static_cast<std::uint64_t>(value);
    const bool negative = std::is_signed_v<T> && value < T{0};
    const std::uint64_t quotient = (negative ? 0 - bits : bits) / divisor_;
    return static_cast<T>(negative ? 0 - quotient : quotient);
  }

  std::uint64_t divisor_;
  Exact inexact_;
};

}  // namespace rlx::cpu
