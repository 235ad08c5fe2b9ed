// cpu_compute() against the scalar reference for any shape of step, and the rules' numbers one by
// one.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "lib/driver/compute.hpp"
#include "tests/driver/step_case.hpp"

namespace rlx {
namespace {

void submit(const ComputeStep& step) noexcept {
  Compute& compute = cpu_compute();
  if (!compute.done(compute.submit(step))) std::abort();  // the CPU is immediate
}

RC_GTEST_PROP(Reduction, agrees_with_the_reference_for_any_shape_of_step, ()) {
  test::StepCase c;
  c.dtype = *rc::gen::elementOf(std::vector<DType>(std::begin(kAllDTypes), std::end(kAllDTypes)));
  c.kind = *rc::gen::elementOf(
      std::vector<ReduceKind>(std::begin(kAllReduceKinds), std::end(kAllReduceKinds)));
  RC_PRE(supports(c.kind, c.dtype));
  c.sources = *rc::gen::inRange<std::size_t>(1, 40);
  c.destinations = *rc::gen::inRange<std::size_t>(1, 12);
  c.count = *rc::gen::inRange<std::size_t>(0, 3000);
  c.divisor = test::divisor_for(c.kind, *rc::gen::inRange<std::uint64_t>(0, 300));
  c.in_place = *rc::gen::arbitrary<std::uint64_t>();
  c.stream = *rc::gen::arbitrary<bool>();
  c.skewed = *rc::gen::arbitrary<bool>();
  c.seed = *rc::gen::arbitrary<std::uint64_t>();
  const std::array kernels{test::NamedKernel{"cpu_compute", submit}};
  const std::string found = test::mismatch(c, kernels);
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

TEST(Reduction, eight_bit_floats_saturate_and_round_once) {
  const std::array<float8_e4m3, 2> large{float8_e4m3(448.0F), float8_e4m3(-448.0F)};
  EXPECT_EQ(reduced(ReduceKind::Sum, std::array{large[0], large[0]}).bits, 0x7e);
  EXPECT_EQ(reduced(ReduceKind::Sum, std::array{large[1], large[1]}).bits, 0xfe);
  EXPECT_EQ(reduced(ReduceKind::Sum, std::array{large[0], large[0], large[1]}).bits, 0x7e);
  EXPECT_EQ(reduced(ReduceKind::Product, std::array{large[0], large[1]}).bits, 0xfe);
  // 16 + 1 would round to 16 twice.
  const std::array<float8_e4m3, 3> ones{float8_e4m3(16.0F), float8_e4m3(1.0F), float8_e4m3(1.0F)};
  EXPECT_EQ(static_cast<float>(reduced(ReduceKind::Sum, ones)), 18.0F);

  float8_e5m2 infinity;
  infinity.bits = 0x7c;
  const float8_e5m2 one(1.0F);
  EXPECT_EQ(reduced(ReduceKind::Sum, std::array{infinity, one}).bits,
            0x7b);  // arithmetic saturates
  EXPECT_EQ(reduced(ReduceKind::Max, std::array{infinity, one}).bits, 0x7c);  // a choice does not
  float8_e5m2 minus = infinity;
  minus.bits |= 0x80;
  const float8_e5m2 none = reduced(ReduceKind::Sum, std::array{infinity, minus});
  EXPECT_TRUE(std::isnan(static_cast<float>(none)));
}

TEST(Reduction, low_precision_rounds_once_over_more_sources_than_a_pass_takes) {
  std::array<bfloat16, 33> parts;
  parts.fill(bfloat16(1.0F));
  parts[0] = bfloat16(256.0F);  // 256 + 1 is 256 in bf16, 256 + 32 is 288
  EXPECT_EQ(static_cast<float>(reduced(ReduceKind::Sum, parts)), 288.0F);
}

TEST(Reduction, bits_are_combined_one_by_one) {
  EXPECT_EQ((reduced<std::uint8_t, 3>(ReduceKind::And, {0xf0, 0x3c, 0x7f})), 0x30);
  EXPECT_EQ((reduced<std::int16_t, 2>(ReduceKind::Or, {0x0100, 0x00ff})), 0x01ff);
  EXPECT_EQ((reduced<std::int64_t, 2>(ReduceKind::Xor, {-1, 1})), -2);
}

}  // namespace
}  // namespace rlx
