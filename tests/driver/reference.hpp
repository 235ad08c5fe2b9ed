#pragma once
// What reductions must give, element by element, written from the rules in rlx/reduce_kind.hpp and
// sharing no code with the kernels.

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "rlx/dtype.hpp"
#include "rlx/reduce_kind.hpp"

namespace rlx::test {

__extension__ using Wide = __int128;
__extension__ using Modular = unsigned __int128;

/// Calls f with a value of the dtype's C++ type.
template <class F>
void with_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::i8:
      return f(std::int8_t{});
    case DType::i16:
      return f(std::int16_t{});
    case DType::i32:
      return f(std::int32_t{});
    case DType::i64:
      return f(std::int64_t{});
    case DType::u8:
      return f(std::uint8_t{});
    case DType::u16:
      return f(std::uint16_t{});
    case DType::u32:
      return f(std::uint32_t{});
    case DType::u64:
      return f(std::uint64_t{});
    case DType::f16:
      return f(float16{});
    case DType::bf16:
      return f(bfloat16{});
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::f8e4m3:
      return f(float8_e4m3{});
    case DType::f8e5m2:
      return f(float8_e5m2{});
  }
}

template <class T>
inline constexpr bool kIsLowPrecision = !std::is_arithmetic_v<T>;

template <class F>
F float_of(ReduceKind kind, F a, F b) {
  if (kind == ReduceKind::Product) return a * b;
  if (kind == ReduceKind::Sum || kind == ReduceKind::Mean) return a + b;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<F>::quiet_NaN();
  const bool a_below = a < b || (a == b && std::signbit(a) && !std::signbit(b));
  return (kind == ReduceKind::Max) == a_below ? b : a;
}

template <class T>
T integer_of(ReduceKind kind, T a, T b) {
  if (kind == ReduceKind::Max) return a < b ? b : a;
  if (kind == ReduceKind::Min) return a < b ? a : b;
  if (kind == ReduceKind::And) return static_cast<T>(a & b);
  if (kind == ReduceKind::Or) return static_cast<T>(a | b);
  if (kind == ReduceKind::Xor) return static_cast<T>(a ^ b);
  const auto x = static_cast<Modular>(a);
  const auto y = static_cast<Modular>(b);
  return static_cast<T>(kind == ReduceKind::Product ? x * y : x + y);  // modulo 2^bits
}

/// One of the contributions, as it is: no conversion takes part (it would saturate).
template <class T>
T extreme_of(ReduceKind kind, std::span<const T> in) {
  T best = in[0];
  for (const T value : in) {
    if (std::isnan(static_cast<float>(value))) return value;
    const auto a = static_cast<float>(best);
    const auto b = static_cast<float>(value);
    const float chosen = float_of(kind, a, b);
    if (chosen == b && std::signbit(chosen) == std::signbit(b)) best = value;
  }
  return best;
}

/// The result for one element, from its contributions (at most 64) in order; divisor 0: none.
template <class T>
T expected_element(ReduceKind kind, std::span<const T> in, std::uint64_t divisor) {
  if (in.size() == 1 && divisor == 0) return in[0];
  if constexpr (kIsLowPrecision<T>) {
    if (kind == ReduceKind::Max || kind == ReduceKind::Min) return extreme_of(kind, in);
    std::array<float, 64> wide{};
    for (std::size_t i = 0; i < in.size(); ++i) wide[i] = static_cast<float>(in[i]);
    return T(expected_element<float>(kind, std::span(wide).first(in.size()), divisor));
  } else {
    T result = in[0];
    for (const T value : in.subspan(1)) {
      if constexpr (std::is_floating_point_v<T>) {
        result = float_of(kind, result, value);
      } else {
        result = integer_of(kind, result, value);
      }
    }
    if (divisor == 0) return result;
    if constexpr (std::is_floating_point_v<T>) return result / static_cast<T>(divisor);
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<Wide>(result) / static_cast<Wide>(divisor));
    }
  }
}

/// Equal bits, except that any NaN equals any other.
template <class T>
bool same(T a, T b) {
  if constexpr (kIsLowPrecision<T>) {
    if (std::isnan(static_cast<float>(a)) && std::isnan(static_cast<float>(b))) return true;
  } else if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) && std::isnan(b)) return true;
  }
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

}  // namespace rlx::test
