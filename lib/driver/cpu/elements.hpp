#pragma once
// What the kernels do to one element. Everything here is branch-free or folds to it, so that loops
// over it vectorise.

#include <bit>
#include <cstdint>
#include <type_traits>

namespace rlx::cpu {

/// An element at any address, of bytes that may also be seen as another type.
template <class T>
struct [[gnu::packed, gnu::may_alias]] Loose {
  T value;
};

template <class T>
struct WrappingType {  // of T's width; integers promote, so 16-bit products are made in 32 bits
  using type = std::conditional_t<sizeof(T) < 4, std::uint32_t, std::make_unsigned_t<T>>;
};

struct Sum {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      return a + b;
    } else {
      using U = typename WrappingType<T>::type;
      return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
    }
  }
};

struct Product {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      return a * b;
    } else {
      using U = typename WrappingType<T>::type;
      return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
    }
  }
};

/// Floats as integers that sort as the numbers do, -0 below +0. The map is its own inverse.
template <class T>
struct Ordered {
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  using Unsigned = std::make_unsigned_t<Bits>;
  static constexpr Bits kMagnitude = static_cast<Bits>(static_cast<Unsigned>(~Unsigned{0}) >> 1);
  static constexpr Bits kInfinity =
      sizeof(T) == 4 ? Bits{0x7f80'0000} : static_cast<Bits>(0x7ff0'0000'0000'0000LL);

  static Bits flip(Bits bits) { return bits ^ ((bits >> (8 * sizeof(T) - 1)) & kMagnitude); }
  static bool is_nan(Bits bits) { return (bits & kMagnitude) > kInfinity; }
  static T value(Bits key) { return std::bit_cast<T>(flip(key)); }
};

struct Max {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      const auto x = key(a);
      const auto y = key(b);
      return Ordered<T>::value(x > y ? x : y);
    } else {
      return a > b ? a : b;
    }
  }

 private:
  // A NaN of either sign sorts above infinity.
  template <class T>
  static auto key(T value) {
    using O = Ordered<T>;
    const auto bits = std::bit_cast<typename O::Bits>(value);
    const auto positive = static_cast<typename O::Bits>(bits & O::kMagnitude);
    return O::is_nan(bits) ? positive : O::flip(bits);
  }
};

struct Min {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      const auto x = key(a);
      const auto y = key(b);
      return Ordered<T>::value(x < y ? x : y);
    } else {
      return a < b ? a : b;
    }
  }

 private:
  // A NaN of either sign sorts below minus infinity.
  template <class T>
  static auto key(T value) {
    using O = Ordered<T>;
    const auto bits = std::bit_cast<typename O::Bits>(value);
    const auto negative = static_cast<typename O::Bits>(bits | ~O::kMagnitude);
    return O::flip(O::is_nan(bits) ? negative : bits);
  }
};

/// Quotients by one divisor of at least 1, truncating for integers. Up to 32 bits the quotient is
/// made in float or double: a true quotient that is not whole is at least 1 / divisor below the
/// next whole number, and its rounding error is smaller than that, so the truncation is exact.
template <class T>
class Divider {
  using Exact = std::conditional_t<sizeof(T) <= 2, float, double>;

 public:
  explicit Divider(std::uint64_t divisor)
      : divisor_(divisor), inexact_(static_cast<Value>(divisor)) {}

  T operator()(T value) const {
    if constexpr (std::is_floating_point_v<T>) {
      return value / inexact_;
    } else if constexpr (sizeof(T) == 8) {
      return by_magnitude(value);
    } else {
      using Whole = std::conditional_t<sizeof(T) <= 2, std::int32_t, std::int64_t>;
      return static_cast<T>(static_cast<Whole>(static_cast<Exact>(value) / inexact_));
    }
  }

 private:
  using Value = std::conditional_t<std::is_floating_point_v<T>, T, Exact>;

  // Neither the smallest value nor a divisor above the largest overflows.
  T by_magnitude(T value) const {
    const auto bits = static_cast<std::uint64_t>(value);
    const bool negative = std::is_signed_v<T> && value < T{0};
    const std::uint64_t quotient = (negative ? 0 - bits : bits) / divisor_;
    return static_cast<T>(negative ? 0 - quotient : quotient);
  }

  std::uint64_t divisor_;
  Value inexact_;
};

}  // namespace rlx::cpu
