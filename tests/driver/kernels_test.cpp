// Every kernel of every instruction set of this processor against the scalar reference.

#include "lib/driver/cpu/kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/driver/step_case.hpp"

namespace rlx::cpu {
namespace {

using test::mismatch;
using test::NamedKernel;
using test::StepCase;

const std::vector<Kernels>& tables() {
  static const std::vector<Kernels> all = all_kernels();
  return all;
}

std::vector<NamedKernel> kernels_of(DType dtype, ReduceKind kind) {
  std::vector<NamedKernel> kernels;
  for (const Kernels& table : tables()) {
    kernels.push_back({table.target, table.step[number(dtype)][number(kind)]});
  }
  return kernels;
}

TEST(Kernels, the_best_is_the_first_of_all_and_there_is_more_than_one) {
  EXPECT_STREQ(tables().front().target, kernels().target);
  std::set<std::string> names;
  for (const Kernels& table : tables()) names.insert(table.target);
  EXPECT_EQ(names.size(), tables().size());
#if defined(__x86_64__)
  EXPECT_GT(tables().size(), 1U);
#endif
}

TEST(Kernels, the_looked_up_kernel_is_the_best_ones_for_long_steps_and_a_light_one_for_short) {
  for (const DType dtype : kAllDTypes) {
    EXPECT_EQ(element_bytes(dtype), size_of(dtype));
    for (const ReduceKind kind : kAllReduceKinds) {
      EXPECT_EQ(step_kernel(dtype, kind, 1 << 20), kernels().step[number(dtype)][number(kind)]);
      EXPECT_EQ(step_kernel(dtype, kind, 64), light_kernels().step[number(dtype)][number(kind)]);
    }
  }
}

TEST(Kernels, light_ones_use_no_vectors_of_64_bytes) {
  EXPECT_EQ(std::string_view(light_kernels().target).find("AVX3"), std::string_view::npos);
  EXPECT_NE(light_kernels().step[0][0], nullptr);
  EXPECT_STREQ(tables().front().target, kernels().target) << "what others dispatch to is unchanged";
}

class EveryKernel : public testing::TestWithParam<std::tuple<DType, ReduceKind>> {
 protected:
  void check(StepCase c) {
    std::tie(c.dtype, c.kind) = GetParam();
    c.divisor = test::divisor_for(c.kind, c.divisor);
    ASSERT_EQ(mismatch(c, kernels_), "");
  }

  std::vector<NamedKernel> kernels_ = kernels_of(std::get<0>(GetParam()), std::get<1>(GetParam()));
};

// The numbers of sources around what one pass takes, and of destinations around what it stores.
constexpr std::size_t kSources[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 32};
constexpr std::size_t kDestinations[] = {1, 2, 3, 8};

TEST_P(EveryKernel, agrees_for_every_count_to_200) {
  for (std::size_t count = 0; count <= 200; ++count) {
    const bool odd = count % 2 != 0;
    check({.count = count, .divisor = 2, .skewed = odd, .seed = count});
    check({.count = count, .stream = odd, .skewed = !odd, .seed = count});
    check({.sources = 3, .destinations = 2, .count = count, .stream = !odd, .seed = count});
  }
}

TEST_P(EveryKernel, agrees_for_every_number_of_sources_and_destinations_at_any_address) {
  std::mt19937_64 random(number(std::get<0>(GetParam())) * 8 + number(std::get<1>(GetParam())));
  for (const std::size_t sources : kSources) {
    for (const std::size_t destinations : kDestinations) {
      for (int i = 0; i < 4; ++i) {
        check({.sources = sources,
               .destinations = destinations,
               .count = random() % 100 * 2 + 1,
               .divisor = i % 2 == 0 ? sources : 0,
               .in_place = i == 0 ? 0 : random() & random(),
               .stream = i % 2 != 0,
               .skewed = i != 3,
               .seed = random()});
      }
    }
  }
}

TEST_P(EveryKernel, agrees_for_some_thousands) {
  std::uint64_t seed = 1;
  for (const bool stream : {false, true}) {
    for (const std::size_t sources : {1, 2, 8, 9}) {
      for (const std::size_t destinations : {1, 2, 5}) {
        const std::size_t count = 2000 + 555 * sources;
        check({.sources = sources,
               .destinations = destinations,
               .count = count,
               .divisor = 7,
               .in_place = sources % 2,
               .stream = stream,
               .skewed = ++seed % 2 == 0,
               .seed = seed});
      }
    }
  }
}

std::vector<std::tuple<DType, ReduceKind>> supported() {
  std::vector<std::tuple<DType, ReduceKind>> all;
  for (const DType dtype : kAllDTypes) {
    for (const ReduceKind kind : kAllReduceKinds) {
      if (supports(kind, dtype)) all.emplace_back(dtype, kind);
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Cpu, EveryKernel, testing::ValuesIn(supported()), [](const auto& test) {
  return std::string(to_string(std::get<0>(test.param))) + "_" +
         std::string(to_string(std::get<1>(test.param)));
});

TEST(Kernels, copy_where_the_dtype_does_not_support_the_kind) {
  for (const DType dtype : {DType::f32, DType::f8e5m2}) {
    for (const std::size_t destinations : {1, 3}) {
      const StepCase c{.dtype = dtype,
                       .kind = ReduceKind::Xor,
                       .sources = 1,
                       .destinations = destinations,
                       .count = 77};
      EXPECT_EQ(mismatch(c, kernels_of(c.dtype, c.kind)), "");
    }
  }
}

TEST(Kernels, means_divide_once_at_the_end_by_any_divisor) {
  for (const std::uint64_t divisor :
       {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{7}, std::uint64_t{128},
        std::uint64_t{255}, std::uint64_t{1000}, std::uint64_t{65537}, (std::uint64_t{1} << 32) + 1,
        std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    for (const DType dtype : kAllDTypes) {
      for (const std::size_t sources : {1, 2, 11}) {
        const StepCase c{.dtype = dtype,
                         .kind = ReduceKind::Mean,
                         .sources = sources,
                         .destinations = sources == 2 ? 6U : 1U,
                         .count = 1100,
                         .divisor = divisor,
                         .skewed = true,
                         .seed = divisor};
        ASSERT_EQ(mismatch(c, kernels_of(dtype, c.kind)), "");
      }
    }
  }
}

}  // namespace
}  // namespace rlx::cpu
