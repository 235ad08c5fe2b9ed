#pragma once
// Element types: the run-time tag `DType` and the C++ types it stands for.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace rlx {

/// Numbers are part of the wire format (call descriptors).
enum class DType : std::uint8_t {
  i8 = 0, i16 = 1, i32 = 2, i64 = 3,
  u8 = 4, u16 = 5, u32 = 6, u64 = 7,
  f16 = 8, bf16 = 9, f32 = 10, f64 = 11,
  f8e4m3 = 12, f8e5m2 = 13,
  // 14, 15: c64, c128
};

/// Every dtype there is, in wire order.
inline constexpr DType kAllDTypes[] = {DType::i8,  DType::i16, DType::i32, DType::i64,
                                       DType::u8,  DType::u16, DType::u32, DType::u64,
                                       DType::f16, DType::bf16, DType::f32, DType::f64,
                                       DType::f8e4m3, DType::f8e5m2};

/// Bytes of one element.
[[nodiscard]] std::size_t size_of(DType dtype);
/// "i8" ... "f64", "f8e4m3", "f8e5m2".
[[nodiscard]] std::string_view to_string(DType dtype);
/// Accepts rlx names (f32, bf16) and the benchmark names (float, double, half, bfloat16, int32,
/// uint8, float8_e4m3, fp8_e5m2, ...). Throws CollectiveError(InvalidArgument) that lists the accepted names.
[[nodiscard]] DType parse_dtype(std::string_view name);
[[nodiscard]] bool is_floating(DType dtype);
[[nodiscard]] bool is_signed(DType dtype);

/// IEEE 754 binary16, storage only: arithmetic is done in float. Conversion rounds to nearest even,
/// keeps NaN quiet, overflows to infinity and produces denormals.
struct float16 {
  std::uint16_t bits = 0;
  float16() = default;
  explicit float16(float value);
  explicit operator float() const;
  friend bool operator==(float16 a, float16 b) { return float(a) == float(b); }
};

/// bfloat16: the upper half of a binary32, rounded to nearest even, NaN kept quiet.
struct bfloat16 {
  std::uint16_t bits = 0;
  bfloat16() = default;
  explicit bfloat16(float value);
  explicit operator float() const;
  friend bool operator==(bfloat16 a, bfloat16 b) { return float(a) == float(b); }
};

/// OCP 8-bit float E4M3 (E4M3FN): exponent bias 7, no infinities, S.1111.111 is NaN, up to 448.
/// Conversion from float rounds to nearest even, produces denormals and saturates, which is the OCP
/// specification's saturating mode: what is beyond the largest number, infinities too, becomes the
/// largest number of that sign. NaN stays NaN.
struct float8_e4m3 {
  std::uint8_t bits = 0;
  float8_e4m3() = default;
  explicit float8_e4m3(float value);
  explicit operator float() const;
  friend bool operator==(float8_e4m3 a, float8_e4m3 b) { return float(a) == float(b); }
};

/// OCP 8-bit float E5M2: the upper half of a binary16, with its infinities and NaNs. Conversion from
/// float saturates as float8_e4m3's does, to 57344: an infinity exists only as a bit pattern that
/// was put there, and converts to a float infinity.
struct float8_e5m2 {
  std::uint8_t bits = 0;
  float8_e5m2() = default;
  explicit float8_e5m2(float value);
  explicit operator float() const;
  friend bool operator==(float8_e5m2 a, float8_e5m2 b) { return float(a) == float(b); }
};

namespace detail {
template <class T>
struct DTypeOf {};  // no value: T is not an element type of rlx
template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
struct DTypeOf<T> {
  static constexpr DType value =
      static_cast<DType>(std::countr_zero(sizeof(T)) + (std::is_signed_v<T> ? 0 : 4));
};
template <> struct DTypeOf<float16> { static constexpr DType value = DType::f16; };
template <> struct DTypeOf<bfloat16> { static constexpr DType value = DType::bf16; };
template <> struct DTypeOf<float8_e4m3> { static constexpr DType value = DType::f8e4m3; };
template <> struct DTypeOf<float8_e5m2> { static constexpr DType value = DType::f8e5m2; };
template <> struct DTypeOf<float> { static constexpr DType value = DType::f32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::f64; };
}  // namespace detail

/// Types that can be communicated: integers of 1 to 8 bytes, float8_e4m3, float8_e5m2, float16,
/// bfloat16, float, double.
template <class T>
concept Element = requires { detail::DTypeOf<std::remove_cv_t<T>>::value; };

template <Element T>
inline constexpr DType dtype_of = detail::DTypeOf<std::remove_cv_t<T>>::value;

}  // namespace rlx
