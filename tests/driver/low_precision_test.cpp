// The low-precision types inside the kernels and in the conversions of arenas: all values, all
// rounding boundaries, for every instruction set of this processor.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "lib/driver/cpu/kernels.hpp"
#include "tests/driver/reference.hpp"

namespace rlx::cpu {
namespace {

template <class T>
class LowPrecision : public testing::Test {
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

  /// Runs one reduction of columns on every instruction set and counts what differs from the
  /// reference.
  static void check(ReduceKind kind, const std::vector<std::vector<T>>& columns,
                    std::uint64_t divisor) {
    const std::size_t count = columns[0].size();
    std::vector<T> expected(count);
    std::vector<T> row(columns.size());
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t s = 0; s < columns.size(); ++s) row[s] = columns[s][i];
      expected[i] = test::expected_element<T>(kind, row, divisor);
    }
    std::vector<const std::byte*> sources;
    for (const auto& column : columns) {
      sources.push_back(reinterpret_cast<const std::byte*>(column.data()));
    }
    for (const Kernels& table : all_kernels()) {
      std::vector<T> got(count);
      auto* destination = reinterpret_cast<std::byte*>(got.data());
      table.step[number(dtype_of<T>)][number(kind)]({.destinations = {&destination, 1},
                                                     .sources = sources,
                                                     .count = count,
                                                     .dtype = dtype_of<T>,
                                                     .kind = kind,
                                                     .divisor = divisor});
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < count; ++i) wrong += test::same(got[i], expected[i]) ? 0U : 1U;
      EXPECT_EQ(wrong, 0U) << table.target << ' ' << to_string(kind);
    }
  }
};

using Types = testing::Types<float16, bfloat16, float8_e4m3, float8_e5m2>;
TYPED_TEST_SUITE(LowPrecision, Types);

TYPED_TEST(LowPrecision, every_value_passes_through_a_sum_unchanged) {
  const auto values = this->all_values();
  const std::vector<TypeParam> minus_zeros(values.size(), TypeParam(-0.0F));
  this->check(ReduceKind::Sum, {values, minus_zeros}, 0);
  this->check(ReduceKind::Mean, {values}, 1);
}

TYPED_TEST(LowPrecision, ties_between_any_two_neighbours_go_to_the_even_one) {
  auto values = this->all_values();
  auto next = values;
  std::rotate(next.begin(), next.begin() + 1, next.end());
  this->check(ReduceKind::Mean, {values, next}, 2);
  // Beside the tie: three parts of one neighbour and one of the other.
  this->check(ReduceKind::Mean, {values, values, next, values}, 4);
}

TYPED_TEST(LowPrecision, pairs_of_values_reduce_as_the_reference) {
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
    this->check(kind, {a, b}, kind == ReduceKind::Mean ? 3 : 0);
  }
}

TYPED_TEST(LowPrecision, conversions_of_arenas_are_those_of_the_type) {
  const auto values = this->all_values();
  std::vector<float> floats;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto low = static_cast<float>(values[i]);
    const auto above = static_cast<float>(values[(i + 1) % values.size()]);
    for (const float value : {low, low + (above - low) / 2}) {
      floats.insert(floats.end(),
                    {value, std::nextafter(value, HUGE_VALF), std::nextafter(value, -HUGE_VALF)});
    }
  }
  std::mt19937 random(5);
  for (int i = 0; i < 100000; ++i) floats.push_back(std::bit_cast<float>(std::uint32_t(random())));

  for (const Kernels& table : all_kernels()) {
    std::vector<float> wide(values.size());
    table.to_f32[number(dtype_of<TypeParam>)](wide.data(), values.data(), values.size());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto expected = static_cast<float>(values[i]);
      wrong += std::memcmp(&wide[i], &expected, sizeof expected) == 0 ? 0U : 1U;
    }
    EXPECT_EQ(wrong, 0U) << table.target << " to f32";

    std::vector<TypeParam> narrow(floats.size());
    table.from_f32[number(dtype_of<TypeParam>)](narrow.data(), floats.data(), floats.size());
    wrong = 0;
    for (std::size_t i = 0; i < floats.size(); ++i) {
      wrong += narrow[i].bits == TypeParam(floats[i]).bits ? 0U : 1U;
    }
    EXPECT_EQ(wrong, 0U) << table.target << " from f32";
  }
}

}  // namespace
}  // namespace rlx::cpu
