// cpu_compute() against the scalar reference: every dtype, reduction, number of sources and
// destinations, alignment and count.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "lib/driver/compute.hpp"
#include "tests/driver/operand.hpp"
#include "tests/driver/reference.hpp"

namespace rlx {
namespace {

using test::Operand;

struct Case {
  DType dtype = DType::f32;
  ReduceKind kind = ReduceKind::Sum;
  std::size_t sources = 2;
  std::size_t destinations = 1;
  std::size_t count = 0;
  std::uint64_t divisor = 0;
  int in_place = -1;     // the last destination is this source
  std::size_t skew = 0;  // bytes; every operand gets another misalignment out of it
  std::uint64_t seed = 1;
};

std::string describe(const Case& c) {
  return std::string(to_string(c.dtype)) + " " + std::string(to_string(c.kind)) + " sources " +
         std::to_string(c.sources) + " destinations " + std::to_string(c.destinations) + " count " +
         std::to_string(c.count) + " divisor " + std::to_string(c.divisor) + " in place " +
         std::to_string(c.in_place) + " skew " + std::to_string(c.skew) + " seed " +
         std::to_string(c.seed);
}

// Any bits for integers; for floats also NaN, infinities, -0, denormals and ordinary numbers.
template <class T>
T random_value(std::mt19937_64& random) {
  const std::uint64_t bits = random();
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(bits % 3 == 0 ? static_cast<std::uint64_t>(bits >> 60) - 8 : bits >> 3);
  } else {
    const double ordinary = static_cast<double>(static_cast<std::int64_t>(bits >> 40) - (1 << 23));
    const float small = static_cast<float>(ordinary) / 4096;
    T value{};
    switch (bits % 8) {
      case 0:
        std::memcpy(static_cast<void*>(&value), &bits, sizeof(T));
        return value;
      case 1:
        return T(bits & 8 ? -0.0F : 0.0F);
      case 2:
        return T(bits & 64 ? HUGE_VALF : bits & 8 ? -small : small * 1e-38F);
      default:
        return T(small);
    }
  }
}

template <class T>
std::string mismatch(const Case& c) {
  std::mt19937_64 random(c.seed);
  std::vector<Operand> in;
  std::vector<Operand> out;
  for (std::size_t s = 0; s < c.sources; ++s) {
    in.emplace_back(c.count * sizeof(T), c.skew * (s + 1));
    for (std::size_t i = 0; i < c.count; ++i) {
      const T value = random_value<T>(random);
      std::memcpy(in[s].data() + i * sizeof(T), &value, sizeof(T));
    }
  }
  for (std::size_t d = 0; d < c.destinations; ++d) {
    out.emplace_back(c.count * sizeof(T), c.skew * (d + 13));
  }
  std::vector<T> expected(c.count);
  for (std::size_t i = 0; i < c.count; ++i) {
    std::vector<T> values(c.sources);
    for (std::size_t s = 0; s < c.sources; ++s) {
      std::memcpy(&values[s], in[s].data() + i * sizeof(T), sizeof(T));
    }
    expected[i] = test::expected_element<T>(c.kind, values, c.divisor);
  }
  std::vector<const std::byte*> sources;
  std::vector<std::byte*> destinations;
  for (const Operand& operand : in) sources.push_back(operand.data());
  for (const Operand& operand : out) destinations.push_back(operand.data());
  if (c.in_place >= 0) destinations.back() = in[static_cast<std::size_t>(c.in_place)].data();

  Compute& compute = cpu_compute();
  const ComputeTicket ticket = compute.submit({.destinations = destinations,
                                               .sources = sources,
                                               .count = c.count,
                                               .dtype = c.dtype,
                                               .kind = c.kind,
                                               .divisor = c.divisor});
  if (!compute.done(ticket)) return "not done: " + describe(c);
  for (const std::byte* destination : destinations) {
    for (std::size_t i = 0; i < c.count; ++i) {
      T got;
      std::memcpy(&got, destination + i * sizeof(T), sizeof(T));
      if (!test::same(got, expected[i])) return "element " + std::to_string(i) + ": " + describe(c);
    }
  }
  for (const auto* operands : {&in, &out}) {
    for (const Operand& operand : *operands) {
      if (!operand.guards_hold()) return "wrote outside: " + describe(c);
    }
  }
  return "";
}

std::string mismatch_of(const Case& c) {
  std::string found;
  test::with_type(c.dtype, [&](auto value) { found = mismatch<decltype(value)>(c); });
  return found;
}

class EveryReduction : public testing::TestWithParam<std::tuple<DType, ReduceKind>> {
 protected:
  static void check(Case c) {
    std::tie(c.dtype, c.kind) = GetParam();
    ASSERT_EQ(mismatch_of(c), "");
  }
};

TEST_P(EveryReduction, agrees_with_the_reference_for_counts_0_to_70) {
  for (std::size_t count = 0; count <= 70; ++count) {
    check({.sources = 2, .count = count, .seed = count});
    check({.sources = 2, .count = count, .skew = 1, .seed = count});
    check({.sources = 5, .destinations = 2, .count = count, .skew = 4, .seed = count});
  }
}

TEST_P(EveryReduction, agrees_for_1_to_8_sources_and_1_to_4_destinations) {
  for (std::size_t sources = 1; sources <= 8; ++sources) {
    for (std::size_t destinations = 1; destinations <= 4; ++destinations) {
      check({.sources = sources,
             .destinations = destinations,
             .count = 1029,
             .skew = 3,
             .seed = sources});
    }
  }
}

TEST_P(EveryReduction, agrees_in_place_on_each_source) {
  for (std::size_t sources = 1; sources <= 8; ++sources) {
    for (int place = 0; place < static_cast<int>(sources); ++place) {
      for (const std::size_t destinations : {1, 3}) {
        check({.sources = sources,
               .destinations = destinations,
               .count = 2051,
               .divisor = 0,
               .in_place = place,
               .skew = 2,
               .seed = 7});
        check({.sources = sources,
               .destinations = destinations,
               .count = 523,
               .divisor = 3,
               .in_place = place,
               .seed = 8});
      }
    }
  }
}

TEST_P(EveryReduction, divides_once_at_the_end) {
  for (const std::uint64_t divisor :
       {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{7}, std::uint64_t{128},
        std::uint64_t{255}, std::uint64_t{1000}, std::uint64_t{65537}, (std::uint64_t{1} << 32) + 1,
        std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    check({.sources = 1, .count = 300, .divisor = divisor, .seed = divisor});
    check({.sources = 2, .count = 300, .divisor = divisor, .skew = 1, .seed = divisor});
    check({.sources = 4, .destinations = 2, .count = 1100, .divisor = divisor, .seed = divisor});
  }
}

TEST_P(EveryReduction, agrees_for_odd_large_counts) {
  check({.sources = 2, .count = 20011, .skew = 1, .seed = 3});
  check({.sources = 3, .destinations = 2, .count = 20011, .seed = 4});
}

INSTANTIATE_TEST_SUITE_P(Cpu, EveryReduction,
                         testing::Combine(testing::ValuesIn(kAllDTypes),
                                          testing::ValuesIn(kAllReduceKinds)),
                         [](const auto& test) {
                           return std::string(to_string(std::get<0>(test.param))) + "_" +
                                  std::string(to_string(std::get<1>(test.param)));
                         });

RC_GTEST_PROP(Reduction, agrees_with_the_reference_for_any_shape_of_step, ()) {
  Case c;
  c.dtype = *rc::gen::elementOf(std::vector<DType>(std::begin(kAllDTypes), std::end(kAllDTypes)));
  c.kind = *rc::gen::elementOf(
      std::vector<ReduceKind>(std::begin(kAllReduceKinds), std::end(kAllReduceKinds)));
  c.sources = *rc::gen::inRange<std::size_t>(1, 9);
  c.destinations = *rc::gen::inRange<std::size_t>(1, 6);
  c.count = *rc::gen::inRange<std::size_t>(0, 3000);
  c.divisor = *rc::gen::inRange<std::uint64_t>(0, 300);
  c.in_place = *rc::gen::inRange(-1, static_cast<int>(c.sources));
  c.skew = *rc::gen::inRange<std::size_t>(0, 64);
  c.seed = *rc::gen::arbitrary<std::uint64_t>();
  const std::string found = mismatch_of(c);
  RC_ASSERT(found == "");
}

// The numbers a reader would look for, without a reference in between.
template <class T, std::size_t N>
T reduced(ReduceKind kind, const std::array<T, N>& values, std::uint64_t divisor = 0) {
  std::array<const std::byte*, N> sources;
  for (std::size_t s = 0; s < N; ++s) sources[s] = reinterpret_cast<const std::byte*>(&values[s]);
  T result{};
  auto* destination = reinterpret_cast<std::byte*>(&result);
  cpu_compute().submit({.destinations = {&destination, 1},
                        .sources = sources,
                        .count = 1,
                        .dtype = dtype_of<T>,
                        .kind = kind,
                        .divisor = divisor});
  return result;
}

TEST(Reduction, integer_sums_and_products_wrap) {
  EXPECT_EQ((reduced<std::int8_t, 2>(ReduceKind::Sum, {127, 1})), -128);
  EXPECT_EQ((reduced<std::int16_t, 2>(ReduceKind::Product, {-32768, -1})), -32768);
  EXPECT_EQ((reduced<std::uint16_t, 2>(ReduceKind::Product, {65535, 65535})), 1);
  EXPECT_EQ((reduced<std::int32_t, 2>(ReduceKind::Sum, {2147483647, 1})), -2147483647 - 1);
  EXPECT_EQ((reduced<std::uint64_t, 2>(ReduceKind::Sum, {~0ULL, 2})), 1U);
}

TEST(Reduction, integer_mean_divides_the_wrapped_sum_truncating_towards_zero) {
  EXPECT_EQ((reduced<std::int32_t, 2>(ReduceKind::Mean, {-3, -4}, 2)), -3);
  EXPECT_EQ((reduced<std::int64_t, 2>(ReduceKind::Mean, {-3, -4}, 2)), -3);
  EXPECT_EQ((reduced<std::int8_t, 2>(ReduceKind::Mean, {127, 127}, 2)), -1);
  EXPECT_EQ((reduced<std::uint8_t, 2>(ReduceKind::Mean, {200, 100}, 2)), 22);
  EXPECT_EQ((reduced<std::int64_t, 1>(ReduceKind::Mean, {INT64_MIN}, 1)), INT64_MIN);
  EXPECT_EQ((reduced<std::int64_t, 1>(ReduceKind::Mean, {INT64_MIN}, 1ULL << 63)), -1);
  EXPECT_EQ((reduced<std::int8_t, 1>(ReduceKind::Mean, {-128}, 300)), 0);
}

TEST(Reduction, a_nan_anywhere_wins_max_and_min_and_minus_zero_is_below_zero) {
  const float nan = std::nanf("");
  for (const float other : {1.0F, -HUGE_VALF, HUGE_VALF, -0.0F}) {
    for (const float bad : {nan, -nan, std::bit_cast<float>(0x7f800001U)}) {
      for (const ReduceKind kind : {ReduceKind::Max, ReduceKind::Min}) {
        EXPECT_TRUE(std::isnan(reduced<float, 3>(kind, {other, bad, other})));
        EXPECT_TRUE(std::isnan(reduced<float, 2>(kind, {bad, other})));
      }
    }
  }
  EXPECT_FALSE(std::signbit(reduced<double, 2>(ReduceKind::Max, {-0.0, 0.0})));
  EXPECT_FALSE(std::signbit(reduced<double, 2>(ReduceKind::Max, {0.0, -0.0})));
  EXPECT_TRUE(std::signbit(reduced<double, 2>(ReduceKind::Min, {-0.0, 0.0})));
  EXPECT_TRUE(std::signbit(reduced<double, 2>(ReduceKind::Min, {0.0, -0.0})));
}

TEST(Reduction, half_precision_rounds_once_over_all_sources) {
  // 2048 + 1 would round to 2048 twice; 2048 + 1 + 1 is 2050, exactly.
  const std::array<float16, 3> ones{float16(2048.0F), float16(1.0F), float16(1.0F)};
  EXPECT_EQ(static_cast<float>(reduced(ReduceKind::Sum, ones)), 2050.0F);
  const std::array<bfloat16, 3> few{bfloat16(256.0F), bfloat16(1.0F), bfloat16(1.0F)};
  EXPECT_EQ(static_cast<float>(reduced(ReduceKind::Sum, few)), 258.0F);
  // The sum overflows f16, the mean does not.
  const std::array<float16, 2> large{float16(60000.0F), float16(60000.0F)};
  EXPECT_EQ(static_cast<float>(reduced(ReduceKind::Mean, large, 2)), 60000.0F);
}

}  // namespace
}  // namespace rlx
