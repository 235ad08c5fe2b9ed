// f16 and bf16 against an independent reference in double arithmetic.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "rlx/dtype.hpp"

namespace rlx {
namespace {

struct Format {
  int fraction_bits;
  int least_exponent;  // of normal numbers
  int bias;
};
constexpr Format kF16{10, -14, 15};
constexpr Format kBf16{7, -126, 127};

// What the bits mean, by the definition of IEEE 754.
double meaning(std::uint16_t bits, const Format& format) {
  const int fraction = bits & ((1 << format.fraction_bits) - 1);
  const int exponent = (bits & 0x7fff) >> format.fraction_bits;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 2 * format.bias + 1) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  }
  const int hidden = exponent == 0 ? 0 : 1 << format.fraction_bits;
  const int scale = std::max(exponent, 1) - format.bias - format.fraction_bits;
  return sign * std::ldexp(fraction + hidden, scale);
}

// The nearest value of the format, ties to even, as a double.
double nearest(float value, const Format& format) {
  if (value == 0 || !std::isfinite(value)) return value;
  const int exponent = std::max(std::ilogb(value), format.least_exponent);
  const double unit = std::ldexp(1.0, exponent - format.fraction_bits);
  const double rounded = std::nearbyint(value / unit) * unit;
  const double limit = std::ldexp(1.0, format.bias + 1);
  return std::abs(rounded) >= limit ? std::copysign(HUGE_VAL, value) : rounded;
}

template <class Half>
Half from_bits(std::uint16_t bits) {
  Half half;
  half.bits = bits;
  return half;
}

template <class Half>
void expect_all_patterns(const Format& format) {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto half = from_bits<Half>(static_cast<std::uint16_t>(bits));
    const float value = static_cast<float>(half);
    const double expected = meaning(half.bits, format);
    const Half again(value);
    if (std::isnan(expected)) {
      // A NaN comes back as the same NaN, made quiet.
      const int quiet = 1 << (format.fraction_bits - 1);
      wrong += std::isnan(value) && again.bits == (bits | quiet) ? 0 : 1;
    } else {
      const bool same = value == expected && std::signbit(value) == std::signbit(expected);
      wrong += same && again.bits == bits ? 0 : 1;
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Float16, all_65536_patterns_convert_exactly_and_back) { expect_all_patterns<float16>(kF16); }
TEST(Bfloat16, all_65536_patterns_convert_exactly_and_back) {
  expect_all_patterns<bfloat16>(kBf16);
}

// Every rounding boundary: the midpoint between neighbours, and the floats around it and the ends.
template <class Half>
void expect_rounding(const Format& format) {
  const std::uint16_t infinity =
      static_cast<std::uint16_t>((2 * format.bias + 1) << format.fraction_bits);
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < infinity; ++bits) {
    const double low = meaning(static_cast<std::uint16_t>(bits), format);
    const double unit =
        std::ldexp(1.0, std::max(low == 0 ? -1000 : std::ilogb(low), format.least_exponent) -
                            format.fraction_bits);
    const float middle = static_cast<float>(low + unit / 2);
    for (const float point : {static_cast<float>(low), middle}) {
      for (const float value :
           {std::nextafter(point, -HUGE_VALF), point, std::nextafter(point, HUGE_VALF), -point}) {
        const double expected = nearest(value, format);
        const double got = meaning(Half(value).bits, format);
        const bool same = got == expected && std::signbit(got) == std::signbit(value);
        wrong += same ? 0 : 1;
      }
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Float16, rounds_to_nearest_even_at_every_boundary) { expect_rounding<float16>(kF16); }
TEST(Bfloat16, rounds_to_nearest_even_at_every_boundary) { expect_rounding<bfloat16>(kBf16); }

TEST(Float16, overflow_underflow_and_special_values) {
  EXPECT_EQ(float16(65504.0F).bits, 0x7bff);
  EXPECT_EQ(float16(65519.99F).bits, 0x7bff);
  EXPECT_EQ(float16(65520.0F).bits, 0x7c00);
  EXPECT_EQ(float16(-1e30F).bits, 0xfc00);
  EXPECT_EQ(float16(std::ldexp(1.0F, -24)).bits, 0x0001);
  EXPECT_EQ(float16(std::ldexp(1.0F, -25)).bits, 0x0000);  // a tie, to even
  EXPECT_EQ(float16(std::nextafter(std::ldexp(1.0F, -25), 1.0F)).bits, 0x0001);
  EXPECT_EQ(float16(-0.0F).bits, 0x8000);
  EXPECT_EQ(float16(std::numeric_limits<float>::denorm_min()).bits, 0x0000);
  EXPECT_TRUE(std::isnan(static_cast<float>(float16(std::nanf("")))));
  EXPECT_EQ(float16(std::bit_cast<float>(0x7f800001U)).bits, 0x7e00);  // never to infinity
}

TEST(Bfloat16, overflow_and_special_values) {
  EXPECT_EQ(bfloat16(std::numeric_limits<float>::max()).bits, 0x7f80);
  EXPECT_EQ(bfloat16(-0.0F).bits, 0x8000);
  EXPECT_EQ(bfloat16(std::bit_cast<float>(0x7f800001U)).bits, 0x7fc0);
  EXPECT_EQ(bfloat16(std::bit_cast<float>(0xffffffffU)).bits, 0xffff);
}

TEST(Float16, compares_as_numbers) {
  EXPECT_EQ(float16(0.0F), float16(-0.0F));
  EXPECT_NE(float16(1.0F), float16(2.0F));
  EXPECT_FALSE(float16(std::nanf("")) == float16(std::nanf("")));
  EXPECT_FALSE(bfloat16(std::nanf("")) == bfloat16(std::nanf("")));
}

}  // namespace
}  // namespace rlx
