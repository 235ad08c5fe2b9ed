#include "tools/bench/pattern.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "tools/bench/names.hpp"
#include "tools/bench/with_element.hpp"

namespace rlx::bench {
namespace {

constexpr std::size_t kCount = 300;
constexpr std::uint64_t kFirst = 1000;

std::vector<std::byte> contribution_of(const Pattern& pattern, DType dtype, std::uint32_t rank,
                                       std::uint64_t seed) {
  std::vector<std::byte> data(kCount * size_of(dtype));
  pattern.fill({data.data(), kFirst, kCount}, Rank(rank), seed);
  return data;
}

/// One step of a reduction in the element type itself: low-precision types round after every step.
template <class T>
T combine(ReduceKind kind, T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    const auto wide_a = static_cast<std::uint64_t>(a);
    const auto wide_b = static_cast<std::uint64_t>(b);
    if (kind == ReduceKind::Max) return std::max(a, b);
    if (kind == ReduceKind::Min) return std::min(a, b);
    if (kind == ReduceKind::And) return static_cast<T>(wide_a & wide_b);
    if (kind == ReduceKind::Or) return static_cast<T>(wide_a | wide_b);
    if (kind == ReduceKind::Xor) return static_cast<T>(wide_a ^ wide_b);
    return static_cast<T>(kind == ReduceKind::Product ? wide_a * wide_b : wide_a + wide_b);
  } else {
    const auto x = static_cast<double>(static_cast<float>(a));
    const auto y = static_cast<double>(static_cast<float>(b));
    if (kind == ReduceKind::Max) return T(static_cast<float>(std::max(x, y)));
    if (kind == ReduceKind::Min) return T(static_cast<float>(std::min(x, y)));
    return T(static_cast<float>(kind == ReduceKind::Product ? x * y : x + y));
  }
}

template <class T>
T divide(T sum, std::size_t ranks) {
  if constexpr (std::is_integral_v<T>) {
    if constexpr (std::is_signed_v<T>) {
      return static_cast<T>(std::int64_t{sum} / static_cast<std::int64_t>(ranks));
    } else {
      return static_cast<T>(std::uint64_t{sum} / ranks);
    }
  } else {
    return T(static_cast<float>(sum) / static_cast<float>(ranks));
  }
}

/// Reduces in the order first, first + stride, ...: another order for every stride.
std::vector<std::byte> reduce(DType dtype, ReduceKind kind, std::size_t ranks, std::size_t stride) {
  return with_element(dtype, [&]<Element T>(std::type_identity<T>) {
    const Pattern pattern(dtype, kind, ranks);
    std::vector<std::byte> result = contribution_of(pattern, dtype, 0, 7);
    T* out = reinterpret_cast<T*>(result.data());
    for (std::size_t step = 1; step < ranks; ++step) {
      const auto rank = static_cast<std::uint32_t>(step * stride % ranks);
      const auto next = contribution_of(pattern, dtype, rank, 7);
      const T* in = reinterpret_cast<const T*>(next.data());
      for (std::size_t i = 0; i < kCount; ++i) out[i] = combine(kind, out[i], in[i]);
    }
    if (kind == ReduceKind::Mean) {
      for (std::size_t i = 0; i < kCount; ++i) out[i] = divide(out[i], ranks);
    }
    return result;
  });
}

TEST(Pattern, expects_what_any_order_of_reduction_gives_in_every_type) {
  for (const DType dtype : kAllDTypes) {
    for (const ReduceKind kind : kAllReduceKinds) {
      if (!supports(kind, dtype)) continue;
      for (const std::size_t ranks : {1, 2, 3, 5, 8, 37}) {
        const Pattern pattern(dtype, kind, ranks);
        for (const std::size_t stride : {std::size_t{1}, ranks > 1 ? ranks - 1 : 1}) {
          const auto result = reduce(dtype, kind, ranks, stride);
          EXPECT_EQ(pattern.count_wrong({result.data(), kFirst, kCount}, 7), 0U)
              << benchmark_name(dtype) << ' ' << benchmark_name(kind) << ' ' << ranks;
        }
      }
    }
  }
}

TEST(Pattern, stays_exact_with_more_ranks_than_a_narrow_type_has_integers) {
  for (const DType dtype : {DType::bf16, DType::f16, DType::f8e4m3, DType::f8e5m2}) {
    for (const ReduceKind kind : {ReduceKind::Sum, ReduceKind::Mean, ReduceKind::Product}) {
      const auto result = reduce(dtype, kind, 613, 2);
      const Pattern pattern(dtype, kind, 613);
      EXPECT_EQ(pattern.count_wrong({result.data(), kFirst, kCount}, 7), 0U)
          << benchmark_name(dtype) << ' ' << benchmark_name(kind);
    }
  }
}

TEST(Pattern, any_subset_of_a_sum_is_an_exact_integer) {
  for (const std::size_t ranks : {2, 16, 100, 255, 1000}) {
    for (const ReduceKind kind : {ReduceKind::Sum, ReduceKind::Mean}) {
      for (std::size_t slot = 0; slot < kPatternSlots; ++slot) {
        double positive = 0;
        double negative = 0;
        for (std::uint32_t r = 0; r < ranks; ++r) {
          const double term = contribution(DType::bf16, kind, ranks, Rank(r), slot);
          (term > 0 ? positive : negative) += term;
          EXPECT_EQ(term, std::floor(term));
        }
        EXPECT_LE(positive, 256) << ranks;
        EXPECT_GE(negative, -256) << ranks;
      }
    }
  }
}

TEST(Pattern, float_means_divide_evenly) {
  for (std::size_t slot = 0; slot < kPatternSlots; ++slot) {
    double sum = 0;
    for (std::uint32_t r = 0; r < 7; ++r) {
      sum += contribution(DType::f32, ReduceKind::Mean, 7, Rank(r), slot);
    }
    EXPECT_EQ(std::fmod(sum, 7.0), 0.0);
  }
}

TEST(Pattern, finds_a_wrong_element_and_counts_each) {
  const Pattern pattern(DType::f32, ReduceKind::Sum, 4);
  auto result = reduce(DType::f32, ReduceKind::Sum, 4, 1);
  auto* values = reinterpret_cast<float*>(result.data());
  values[0] += 1;
  values[kCount - 1] = std::nanf("");
  EXPECT_EQ(pattern.count_wrong({result.data(), kFirst, kCount}, 7), 2U);
}

TEST(Pattern, a_missing_contribution_a_shift_and_an_old_result_are_wrong) {
  constexpr std::size_t kMany = kCount / 2;
  for (const DType dtype : {DType::u8, DType::f16, DType::f64}) {
    const auto right = reduce(dtype, ReduceKind::Sum, 3, 1);
    const Pattern pattern(dtype, ReduceKind::Sum, 3);
    const Pattern missing(dtype, ReduceKind::Sum, 2);
    EXPECT_GT(missing.count_wrong({right.data(), kFirst, kCount}, 7), kMany);
    EXPECT_GT(pattern.count_wrong({right.data(), kFirst + 64, kCount}, 7), kMany);
    EXPECT_GT(pattern.count_wrong({right.data(), kFirst, kCount}, 8), kMany);
  }
}

TEST(Pattern, blocks_of_different_ranks_differ) {
  for (const DType dtype : kAllDTypes) {
    const Pattern pattern(dtype, std::nullopt, 4);
    const auto block = contribution_of(pattern, dtype, 1, 0);
    EXPECT_EQ(pattern.count_wrong({block.data(), kFirst, kCount}, Rank(1), 0), 0U);
    EXPECT_GT(pattern.count_wrong({block.data(), kFirst, kCount}, Rank(2), 0), kCount / 2);
  }
}

TEST(Pattern, poison_is_never_a_right_result) {
  std::vector<std::byte> poison(kCount * 8, std::byte{0xA7});
  for (const DType dtype : kAllDTypes) {
    for (const ReduceKind kind : kAllReduceKinds) {
      // A byte can have any value by right.
      if (size_of(dtype) == 1 || !supports(kind, dtype)) continue;
      const Pattern pattern(dtype, kind, 4);
      EXPECT_EQ(pattern.count_wrong({poison.data(), kFirst, kCount}, 0), kCount)
          << benchmark_name(dtype) << ' ' << benchmark_name(kind);
    }
  }
}

}  // namespace
}  // namespace rlx::bench
