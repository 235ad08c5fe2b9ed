#pragma once
// f16, bf16 and the 8-bit floats to and from f32, bit by bit, with integers and one exact float
// addition: no branch, so that compilers vectorise loops over it, and the same bits from every
// instruction set. NaNs stay NaNs of the same sign with the quiet bit set, as the conversion
// instructions of processors do it.

#include <bit>
#include <cstdint>

namespace rlx::detail {

inline constexpr std::uint32_t kSignBit32 = 0x8000'0000U;
inline constexpr std::uint32_t kInfinity32 = 0x7f80'0000U;
inline constexpr std::uint32_t kQuiet32 = 0x0040'0000U;

[[nodiscard]] constexpr float f16_to_f32(std::uint16_t half) noexcept {
  const std::uint32_t magnitude = static_cast<std::uint32_t>(half & 0x7fffU) << 13;
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  const std::uint32_t exponent = magnitude & 0x0f80'0000U;
  // Rebias the exponent from 15 to 127; infinities and NaNs go all the way to 255.
  const std::uint32_t normal = magnitude + (112U << 23);
  const std::uint32_t special = magnitude + (224U << 23);
  const std::uint32_t nan = special | kQuiet32;
  // A denormal m * 2^-24 is (1 + m * 2^-10) * 2^-14 minus 2^-14, exactly and without a denormal.
  const float denormal = std::bit_cast<float>(magnitude + (113U << 23)) -
                         std::bit_cast<float>(std::uint32_t{113U << 23});
  std::uint32_t bits = exponent == 0x0f80'0000U ? special : normal;
  bits = magnitude > 0x0f80'0000U ? nan : bits;
  bits = exponent == 0 ? std::bit_cast<std::uint32_t>(denormal) : bits;
  return std::bit_cast<float>(bits | sign);
}

[[nodiscard]] constexpr std::uint16_t f32_to_f16(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & ~kSignBit32;
  // Normal results: rebias, add half of the last place less one, and one more when that is odd. A
  // carry runs into the exponent as it should, up to infinity.
  const std::uint32_t odd = (magnitude >> 13) & 1U;
  const std::uint32_t normal = (magnitude - (112U << 23) + 0xfffU + odd) >> 13;
  // Denormal results: adding 0.5 lets the addition itself round at 2^-24, to nearest even.
  const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
  const std::uint32_t denormal = std::bit_cast<std::uint32_t>(shifted) - 0x3f00'0000U;
  const std::uint32_t nan = 0x7e00U | ((magnitude >> 13) & 0x3ffU);
  std::uint32_t half = magnitude < (113U << 23) ? denormal : normal;
  half = magnitude >= 0x4780'0000U ? 0x7c00U : half;  // 2^16 and above; 65520 carried over above
  half = magnitude > kInfinity32 ? nan : half;
  return static_cast<std::uint16_t>(half | ((bits & kSignBit32) >> 16));
}

[[nodiscard]] constexpr float bf16_to_f32(std::uint16_t half) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}

[[nodiscard]] constexpr std::uint16_t f32_to_bf16(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t odd = (bits >> 16) & 1U;
  const std::uint32_t rounded = bits + 0x7fffU + odd;
  const bool nan = (bits & ~kSignBit32) > kInfinity32;
  return static_cast<std::uint16_t>((nan ? bits | kQuiet32 : rounded) >> 16);
}

/// Where an 8-bit or 16-bit float with a sign bit in front differs from others, and what follows
/// from it for its conversions.
struct SmallFloat {
  int bits;  ///< in all
  int fraction_bits;
  int bias;
  std::uint32_t largest;  ///< code of the largest finite number; NaNs (and infinities) lie above
  bool saturates;         ///< what is too large becomes the largest number instead of infinity

  /// From this format's last fraction bit to f32's.
  [[nodiscard]] constexpr int shift() const { return 23 - fraction_bits; }
  /// Added to a magnitude's bits, in f32's position: the difference of the exponents' biases.
  [[nodiscard]] constexpr std::uint32_t rebias() const {
    return static_cast<std::uint32_t>(127 - bias) << 23;
  }
  /// f32's bits of the least normal number.
  [[nodiscard]] constexpr std::uint32_t least_normal() const { return rebias() + (1U << 23); }
  /// f32's bits of the power of two whose last place is the least denormal: adding it rounds there.
  [[nodiscard]] constexpr std::uint32_t rounder() const {
    return static_cast<std::uint32_t>(127 + 24 - bias - fraction_bits) << 23;
  }
  /// f32's bits of what larger magnitudes convert as.
  [[nodiscard]] constexpr std::uint32_t ceiling() const {
    return ((saturates ? largest : largest + 1) << shift()) + rebias();
  }
  [[nodiscard]] constexpr std::uint32_t nan() const { return (1U << (bits - 1)) - 1; }
};
inline constexpr SmallFloat kF16{16, 10, 15, 0x7bff, false};
inline constexpr SmallFloat kF8E4M3{8, 3, 7, 0x7e, true};
inline constexpr SmallFloat kF8E5M2{8, 2, 15, 0x7b, true};

template <SmallFloat kFormat>
[[nodiscard]] constexpr float f8_to_f32(std::uint8_t code) noexcept {
  const std::uint32_t magnitude = static_cast<std::uint32_t>(code & 0x7fU) << kFormat.shift();
  const std::uint32_t sign = static_cast<std::uint32_t>(code & 0x80U) << 24;
  const std::uint32_t normal = magnitude + kFormat.rebias();
  // A denormal is what the next exponent's number of the same fraction has above its power of two.
  const float denormal = std::bit_cast<float>(magnitude + kFormat.least_normal()) -
                         std::bit_cast<float>(kFormat.least_normal());
  const std::uint32_t special = normal | kInfinity32;
  std::uint32_t bits = (code & 0x7fU) > kFormat.largest ? special : normal;
  bits = (bits & ~kSignBit32) > kInfinity32 ? bits | kQuiet32 : bits;
  bits = magnitude < (1U << 23) ? std::bit_cast<std::uint32_t>(denormal) : bits;
  return std::bit_cast<float>(bits | sign);
}

template <SmallFloat kFormat>
[[nodiscard]] constexpr std::uint8_t f32_to_f8(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & ~kSignBit32;
  const std::uint32_t bounded = magnitude < kFormat.ceiling() ? magnitude : kFormat.ceiling();
  const std::uint32_t odd = (bounded >> kFormat.shift()) & 1U;
  const std::uint32_t half = (1U << (kFormat.shift() - 1)) - 1U;
  const std::uint32_t normal = (bounded - kFormat.rebias() + half + odd) >> kFormat.shift();
  const float shifted = std::bit_cast<float>(bounded) + std::bit_cast<float>(kFormat.rounder());
  const std::uint32_t denormal = std::bit_cast<std::uint32_t>(shifted) - kFormat.rounder();
  std::uint32_t code = bounded < kFormat.least_normal() ? denormal : normal;
  code = magnitude > kInfinity32 ? kFormat.nan() : code;
  return static_cast<std::uint8_t>(code | ((bits & kSignBit32) >> 24));
}

}  // namespace rlx::detail
