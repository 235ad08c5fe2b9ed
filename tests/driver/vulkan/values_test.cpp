// Numbers on a Vulkan device: all values of the low-precision types, and floats at every boundary,
// denormals included.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/driver/reference.hpp"
#include "tests/driver/vulkan/kernels_fixture.hpp"

namespace rlx::vulkan::test {
namespace {

constexpr std::uint64_t kDivisors[] = {
    1, 2, 3, 5, 7, 8, 10, 255, 1000, 65537, (1ULL << 32) + 1, 1ULL << 63, ~0ULL};

template <class T>
double number(T value) {
  if constexpr (std::is_arithmetic_v<T>)
    return static_cast<double>(value);
  else
    return static_cast<float>(value);
}

template <class T>
class OnDeviceWith : public OnDevice {
 protected:
  static void check_columns(ReduceKind kind, const std::vector<std::vector<T>>& columns,
                            std::uint64_t divisor) {
    const std::vector<T> got = reduced(kind, columns, divisor);
    std::vector<T> row(columns.size());
    std::size_t wrong = 0;
    std::size_t where = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      for (std::size_t s = 0; s < columns.size(); ++s) row[s] = columns[s][i];
      const T expected = rlx::test::expected_element<T>(kind, row, divisor);
      if (!rlx::test::same(got[i], expected) && wrong++ == 0) where = i;
    }
    ASSERT_EQ(wrong, 0U) << to_string(dtype_of<T>) << ' ' << to_string(kind) << " by " << divisor
                         << ", first at " << where << ": " << number(columns[0][where]) << " and "
                         << number(columns.back()[where]) << " give " << number(got[where]);
  }
};

template <class T>
class LowPrecisionOnDevice : public OnDeviceWith<T> {
 protected:
  static constexpr std::size_t kCodes = std::size_t{1} << (8 * sizeof(T));
  static T from_bits(std::size_t bits) {
    T value;
    value.bits = static_cast<decltype(value.bits)>(bits);
    return value;
  }
  static std::vector<T> all_values() {
    std::vector<T> values;
    for (std::size_t bits = 0; bits < kCodes; ++bits) values.push_back(from_bits(bits));
    return values;
  }
};

using LowPrecisionTypes = testing::Types<float16, bfloat16, float8_e4m3, float8_e5m2>;
TYPED_TEST_SUITE(LowPrecisionOnDevice, LowPrecisionTypes);

TYPED_TEST(LowPrecisionOnDevice, every_value_passes_through_a_sum_unchanged) {
  const auto values = this->all_values();
  const std::vector<TypeParam> minus_zeros(values.size(), TypeParam(-0.0F));
  this->check_columns(ReduceKind::Sum, {values, minus_zeros}, 0);
  for (const std::uint64_t divisor : kDivisors) {
    this->check_columns(ReduceKind::Mean, {values}, divisor);
  }
}

TYPED_TEST(LowPrecisionOnDevice, ties_between_any_two_neighbours_go_to_the_even_one) {
  auto values = this->all_values();
  auto next = values;
  std::rotate(next.begin(), next.begin() + 1, next.end());
  this->check_columns(ReduceKind::Mean, {values, next}, 2);
  this->check_columns(ReduceKind::Mean, {values, values, next, values}, 4);
}

TYPED_TEST(LowPrecisionOnDevice, pairs_of_values_reduce_as_the_reference) {
  std::vector<TypeParam> a;
  std::vector<TypeParam> b;
  std::mt19937_64 random(3);
  for (std::size_t i = 0; i < 65536; ++i) {  // all pairs of the 8-bit types
    const std::uint64_t pair = sizeof(TypeParam) == 1 ? i : random();
    a.push_back(this->from_bits(pair % this->kCodes));
    b.push_back(this->from_bits(pair / this->kCodes % this->kCodes));
  }
  for (const ReduceKind kind :
       {ReduceKind::Sum, ReduceKind::Product, ReduceKind::Max, ReduceKind::Min, ReduceKind::Mean}) {
    this->check_columns(kind, {a, b}, kind == ReduceKind::Mean ? 3 : 0);
  }
  // Products of many leave the range of f32's normal numbers on the way.
  this->check_columns(ReduceKind::Product, {a, b, a, b, a, b, a, b, a, b, b, a}, 0);
}

template <class T>
class RealOnDevice : public OnDeviceWith<T> {
 protected:
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

  /// Numbers of every magnitude, those around boundaries often.
  static T value(std::mt19937_64& random) {
    using Limits = std::numeric_limits<T>;
    const std::uint64_t bits = random();
    const T any = std::bit_cast<T>(static_cast<Bits>(bits));
    constexpr T kEdges[] = {Limits::min(), Limits::denorm_min(), Limits::max(),       T{1},
                            T{0},          Limits::infinity(),   Limits::quiet_NaN(), T{3}};
    const T edge = kEdges[bits >> 40 & 7];
    switch (bits >> 60) {
      case 0:
      case 1:
        return edge;
      case 2:
        return -edge;
      case 3:
        return std::nextafter(edge, T{0});
      case 4:
        return std::nextafter(-edge, -Limits::infinity());
      case 5:
      case 6:
      case 7:  // denormals
        return std::copysign(
            std::bit_cast<T>(static_cast<Bits>(bits & (std::bit_cast<Bits>(Limits::min()) - 1))),
            any);
      case 8:
      case 9:
      case 10:  // just above
        return std::fmod(any, Limits::min() * 1000);
      case 11:
        return std::fmod(any, T{100});
      default:
        return any;
    }
  }
};

using RealTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(RealOnDevice, RealTypes);

TYPED_TEST(RealOnDevice, numbers_of_every_magnitude_reduce_as_the_reference) {
  std::mt19937_64 random(7);
  std::vector<std::vector<TypeParam>> columns(3);
  for (auto& column : columns) {
    for (int i = 0; i < 200001; ++i) column.push_back(this->value(random));
  }
  // Differences of neighbours, whose results are denormal.
  for (std::size_t i = 0; i < columns[0].size(); i += 5) {
    columns[1][i] = -std::nextafter(columns[0][i], TypeParam{0});
  }
  for (const ReduceKind kind :
       {ReduceKind::Sum, ReduceKind::Product, ReduceKind::Max, ReduceKind::Min}) {
    this->check_columns(kind, {columns[0], columns[1]}, 0);
    this->check_columns(kind, columns, 0);
  }
}

TYPED_TEST(RealOnDevice, means_are_rounded_as_the_reference) {
  std::mt19937_64 random(11);
  std::vector<TypeParam> values;
  for (int i = 0; i < 100003; ++i) values.push_back(this->value(random));
  for (const std::uint64_t divisor : kDivisors) {
    this->check_columns(ReduceKind::Mean, {values}, divisor);
  }
  for (int i = 0; i < 20; ++i) {
    this->check_columns(ReduceKind::Mean, {values}, (random() >> (random() % 64)) | 1);
  }
}

template <class T>
class IntegersOnDevice : public OnDeviceWith<T> {};
using IntegerTypes = testing::Types<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                                    std::int32_t, std::uint32_t, std::int64_t, std::uint64_t>;
TYPED_TEST_SUITE(IntegersOnDevice, IntegerTypes);

TYPED_TEST(IntegersOnDevice, means_truncate_by_any_divisor) {
  using Limits = std::numeric_limits<TypeParam>;
  std::mt19937_64 random(13);
  std::vector<TypeParam> values{Limits::min(), Limits::max(), TypeParam(Limits::min() + 1), 0, 1};
  for (int i = 0; i < 20000; ++i) values.push_back(static_cast<TypeParam>(random()));
  std::vector<std::uint64_t> divisors(std::begin(kDivisors), std::end(kDivisors));
  for (const int bits : {7, 8, 15, 16, 31, 32, 63}) {
    divisors.push_back(1ULL << bits);
    divisors.push_back((1ULL << bits) - 1);
  }
  for (const std::uint64_t divisor : divisors) {
    this->check_columns(ReduceKind::Mean, {values}, divisor);
    this->check_columns(ReduceKind::Mean, {values, values}, divisor);
  }
}

}  // namespace
}  // namespace rlx::vulkan::test
