#pragma once
// f16 and bf16 to and from f32, bit by bit, with integers and one exact float addition: no branch,
// so that compilers vectorise loops over it, and the same bits from every instruction set. NaNs
// stay NaNs of the same sign with the quiet bit set, as the conversion instructions of processors
// do it.

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

}  // namespace rlx::detail
