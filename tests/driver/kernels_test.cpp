// Every instruction set of this processor gives the same bits.

#include "lib/driver/cpu/kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "tests/driver/reference.hpp"

namespace rlx::cpu {
namespace {

constexpr std::size_t kElements = 65536 + 37;

std::size_t number(DType dtype) { return static_cast<std::size_t>(dtype); }
std::size_t number(ReduceKind kind) { return static_cast<std::size_t>(kind); }

std::vector<std::byte> random_bytes(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> out(bytes);
  for (std::byte& byte : out) byte = static_cast<std::byte>(random() >> 32);
  return out;
}

template <class T>
int differences(const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
  int found = 0;
  for (std::size_t i = 0; i + sizeof(T) <= a.size(); i += sizeof(T)) {
    T x;
    T y;
    std::memcpy(&x, a.data() + i, sizeof(T));
    std::memcpy(&y, b.data() + i, sizeof(T));
    found += test::same(x, y) ? 0 : 1;
  }
  return found;
}

TEST(Kernels, the_best_is_one_of_all_and_there_is_more_than_one) {
  const std::vector<const Kernels*> tables = all_kernels();
  EXPECT_NE(std::find(tables.begin(), tables.end(), &kernels()), tables.end());
  for (const Kernels* table : tables) EXPECT_STRNE(table->target, "");
#if defined(__x86_64__)
  EXPECT_GT(tables.size(), 1U);
#endif
}

TEST(Kernels, every_dtype_but_the_halves_has_every_operation) {
  for (const Kernels* table : all_kernels()) {
    for (const DType dtype : kAllDTypes) {
      const bool half = dtype == DType::f16 || dtype == DType::bf16;
      EXPECT_EQ(table->to_f32[number(dtype)] != nullptr, half);
      EXPECT_EQ(table->from_f32[number(dtype)] != nullptr, half);
      EXPECT_EQ(table->divide[number(dtype)] == nullptr, half);
      for (const ReduceKind kind : kAllReduceKinds) {
        EXPECT_EQ(table->pair[number(dtype)][number(kind)] == nullptr, half);
      }
    }
  }
}

TEST(Kernels, all_instruction_sets_fold_to_the_same_bits) {
  const std::vector<const Kernels*> tables = all_kernels();
  for (const DType dtype : kAllDTypes) {
    if (tables[0]->divide[number(dtype)] == nullptr) continue;
    test::with_type(dtype, [&]<class T>(T) {
      const auto a = random_bytes(kElements * sizeof(T), 1);
      const auto b = random_bytes(kElements * sizeof(T), 2);
      std::vector<std::byte> first(a.size());
      std::vector<std::byte> other(a.size());
      for (const ReduceKind kind : kAllReduceKinds) {
        tables[0]->pair[number(dtype)][number(kind)](first.data(), a.data(), b.data(), kElements);
        for (const Kernels* table : tables) {
          table->pair[number(dtype)][number(kind)](other.data(), a.data(), b.data(), kElements);
          EXPECT_EQ(differences<T>(first, other), 0)
              << table->target << " " << to_string(dtype) << " " << to_string(kind);
        }
      }
    });
  }
}

TEST(Kernels, all_instruction_sets_divide_as_the_reference) {
  for (const DType dtype : kAllDTypes) {
    if (kernels().divide[number(dtype)] == nullptr) continue;
    test::with_type(dtype, [&]<class T>(T) {
      constexpr std::size_t kCount = 4099;
      const auto in = random_bytes(kCount * sizeof(T), 3);
      std::vector<std::byte> expected(in.size());
      std::vector<std::byte> out(in.size());
      for (const std::uint64_t divisor :
           {1ULL, 2ULL, 3ULL, 10ULL, 251ULL, 65536ULL, 3000000019ULL}) {
        for (std::size_t i = 0; i < in.size(); i += sizeof(T)) {
          T value;
          std::memcpy(&value, in.data() + i, sizeof(T));
          const T quotient =
              test::expected_element<T>(ReduceKind::Mean, std::span<const T>(&value, 1), divisor);
          std::memcpy(expected.data() + i, &quotient, sizeof(T));
        }
        for (const Kernels* table : all_kernels()) {
          table->divide[number(dtype)](out.data(), in.data(), kCount, divisor);
          EXPECT_EQ(differences<T>(expected, out), 0)
              << table->target << " " << to_string(dtype) << " / " << divisor;
        }
      }
    });
  }
}

// All patterns of the half, and every float at or next to a rounding boundary of it.
template <class Half>
void expect_conversions(DType dtype) {
  std::vector<Half> halves(65536);
  std::vector<float> boundaries;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    halves[bits].bits = static_cast<std::uint16_t>(bits);
    const float low = static_cast<float>(halves[bits]);
    Half above;
    above.bits = static_cast<std::uint16_t>(bits + 1);
    const float middle = low + (static_cast<float>(above) - low) / 2;
    for (const float value : {low, middle}) {
      boundaries.insert(boundaries.end(), {value, std::nextafter(value, HUGE_VALF),
                                           std::nextafter(value, -HUGE_VALF)});
    }
  }
  std::mt19937 random(5);
  for (int i = 0; i < 100000; ++i)
    boundaries.push_back(std::bit_cast<float>(std::uint32_t(random())));

  for (const Kernels* table : all_kernels()) {
    std::vector<float> wide(halves.size());
    table->to_f32[number(dtype)](wide.data(), halves.data(), halves.size());
    int wrong = 0;
    for (std::size_t i = 0; i < halves.size(); ++i) {
      const float expected = static_cast<float>(halves[i]);
      wrong += std::memcmp(&wide[i], &expected, sizeof expected) == 0 ? 0 : 1;
    }
    EXPECT_EQ(wrong, 0) << table->target << " to f32";

    std::vector<Half> narrow(boundaries.size());
    table->from_f32[number(dtype)](narrow.data(), boundaries.data(), boundaries.size());
    wrong = 0;
    for (std::size_t i = 0; i < boundaries.size(); ++i) {
      wrong += narrow[i].bits == Half(boundaries[i]).bits ? 0 : 1;
    }
    EXPECT_EQ(wrong, 0) << table->target << " from f32";
  }
}

TEST(Kernels, all_instruction_sets_convert_f16_bit_by_bit_NaNs_included) {
  expect_conversions<float16>(DType::f16);
}
TEST(Kernels, all_instruction_sets_convert_bf16_bit_by_bit_NaNs_included) {
  expect_conversions<bfloat16>(DType::bf16);
}

}  // namespace
}  // namespace rlx::cpu
