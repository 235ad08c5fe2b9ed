// The 8-bit floats against an independent reference in double arithmetic.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "rlx/dtype.hpp"

namespace rlx {
namespace {

template <class T>
T from_bits(unsigned bits) {
  T value;
  value.bits = static_cast<std::uint8_t>(bits);
  return value;
}

// What a code means, by the tables of the OCP 8-bit floating point specification.
double meaning(unsigned code, float8_e4m3) {
  const unsigned magnitude = code & 0x7f;
  const double sign = code & 0x80 ? -1.0 : 1.0;
  if (magnitude == 0x7f) return std::nan("");
  if (magnitude < 8) return sign * magnitude / 512;
  return sign * (8 + magnitude % 8) / 8 * std::ldexp(1.0, static_cast<int>(magnitude / 8) - 7);
}

double meaning(unsigned code, float8_e5m2) {
  const unsigned magnitude = code & 0x7f;
  const double sign = code & 0x80 ? -1.0 : 1.0;
  if (magnitude > 0x7c) return std::nan("");
  if (magnitude == 0x7c) return sign * HUGE_VAL;
  if (magnitude < 4) return sign * magnitude / 65536;
  return sign * (4 + magnitude % 4) / 4 * std::ldexp(1.0, static_cast<int>(magnitude / 4) - 15);
}

/// The code of the nearest finite number by looking at all, ties to the even code. Larger ones than
/// twice the largest would all seem equally far from it.
template <class T>
unsigned nearest(float value) {
  const unsigned sign = std::signbit(value) ? 0x80 : 0;
  value = std::clamp(value, -1e5F, 1e5F);
  unsigned best = 0;
  for (unsigned code = 1; code < 0x7f; ++code) {
    const double number = meaning(code, T{});
    if (!std::isfinite(number)) break;
    const double distance = std::abs(number - std::abs(double{value}));
    const double least = std::abs(meaning(best, T{}) - std::abs(double{value}));
    if (distance < least || (distance == least && code % 2 == 0)) best = code;
  }
  return best | sign;
}

template <class T>
class Float8 : public testing::Test {};
using Formats = testing::Types<float8_e4m3, float8_e5m2>;
TYPED_TEST_SUITE(Float8, Formats);

TYPED_TEST(Float8, all_256_patterns_mean_what_the_specification_says) {
  for (unsigned code = 0; code < 256; ++code) {
    const auto value = static_cast<float>(from_bits<TypeParam>(code));
    const double expected = meaning(code, TypeParam{});
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value)) << code;
      continue;
    }
    EXPECT_EQ(value, expected) << code;
    EXPECT_EQ(std::signbit(value), code >= 0x80) << code;
    if (std::isfinite(expected)) {
      EXPECT_EQ(TypeParam(value).bits, code);
    }
  }
}

TYPED_TEST(Float8, rounds_to_the_nearest_even_at_and_beside_every_boundary) {
  for (unsigned code = 0; code < 0x7e; ++code) {
    const double low = meaning(code, TypeParam{});
    const double high = meaning(code + 1, TypeParam{});
    if (!std::isfinite(high)) break;
    const auto middle = static_cast<float>((low + high) / 2);
    for (const float point : {static_cast<float>(low), middle, static_cast<float>(high)}) {
      for (const float value : {std::nextafter(point, -1e9F), point, std::nextafter(point, 1e9F)}) {
        EXPECT_EQ(TypeParam(value).bits, nearest<TypeParam>(value)) << value;
        EXPECT_EQ(TypeParam(-value).bits, nearest<TypeParam>(-value)) << -value;
      }
    }
  }
}

TYPED_TEST(Float8, any_float_becomes_the_nearest_number) {
  std::mt19937 random(11);
  for (int i = 0; i < 20000; ++i) {
    // All exponents near the format's range, and any bits at all.
    const std::uint32_t any = random();
    const std::uint32_t bits = i % 2 ? any : (any & 0x80ff'ffffU) | ((100 + any % 60) << 23);
    const float value = std::bit_cast<float>(bits);
    if (std::isnan(value)) continue;
    EXPECT_EQ(TypeParam(value).bits, nearest<TypeParam>(value)) << value;
  }
}

TYPED_TEST(Float8, saturates_and_keeps_NaN) {
  const bool e4m3 = std::is_same_v<TypeParam, float8_e4m3>;
  const unsigned largest = e4m3 ? 0x7e : 0x7b;
  EXPECT_EQ(static_cast<float>(from_bits<TypeParam>(largest)), e4m3 ? 448.0F : 57344.0F);
  for (const float huge : {448.0F * 128, 1e30F, std::numeric_limits<float>::max(), HUGE_VALF}) {
    EXPECT_EQ(TypeParam(huge).bits, largest) << huge;
    EXPECT_EQ(TypeParam(-huge).bits, largest | 0x80) << huge;
  }
  for (const std::uint32_t bits : {0x7fc00000U, 0x7f800001U, 0xffc00000U, 0xffffffffU}) {
    const auto value = TypeParam(std::bit_cast<float>(bits));
    EXPECT_TRUE(std::isnan(static_cast<float>(value))) << bits;
    EXPECT_EQ(value.bits >= 0x80, bits >= 0x8000'0000U);
  }
}

TYPED_TEST(Float8, compares_as_numbers) {
  EXPECT_EQ(TypeParam(0.0F), TypeParam(-0.0F));
  EXPECT_NE(TypeParam(1.0F), TypeParam(2.0F));
  EXPECT_FALSE(TypeParam(std::nanf("")) == TypeParam(std::nanf("")));
}

}  // namespace
}  // namespace rlx
