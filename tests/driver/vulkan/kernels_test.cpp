// Every kernel of a Vulkan device against the scalar reference.

#include "lib/driver/vulkan/kernels/kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "tests/driver/step_case.hpp"
#include "tests/driver/vulkan/kernels_fixture.hpp"

namespace rlx::vulkan::test {
namespace {

using rlx::test::divisor_for;
using rlx::test::mismatch;
using rlx::test::NamedKernel;
using rlx::test::StepCase;

constexpr std::uint64_t kDivisors[] = {0, 1, 2, 3, 5, 7, 8, 40};

class EveryDeviceKernel : public OnDevice,
                          public testing::WithParamInterface<std::tuple<DType, ReduceKind>> {
 protected:
  void check_case(StepCase c, std::size_t shift = 0, Kernels* other = nullptr) {
    std::tie(c.dtype, c.kind) = GetParam();
    c.divisor = divisor_for(c.kind, c.divisor);
    Kernels& kernels_to_run = other == nullptr ? kernels() : *other;
    const NamedKernel kernel{"vulkan",
                             [&](const ComputeStep& step) { run(step, kernels_to_run, shift); }};
    ASSERT_EQ(mismatch(c, {&kernel, 1}), "");
  }
  /// Of an operand of `bytes` bytes and some more, odd.
  static std::size_t count_of(std::size_t bytes) {
    return (bytes / size_of(std::get<0>(GetParam()))) | 1;
  }
  void SetUp() override {
    OnDevice::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(kernels().supports(std::get<0>(GetParam())))
        << device().name() << " can not do " << to_string(std::get<0>(GetParam()));
  }
};

TEST_P(EveryDeviceKernel, agrees_for_every_number_of_sources_and_destinations_at_any_address) {
  std::mt19937_64 random(static_cast<unsigned>(std::get<0>(GetParam())) * 8 +
                         static_cast<unsigned>(std::get<1>(GetParam())));
  std::size_t turn = 0;
  for (const std::size_t sources : {1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 40}) {
    for (const std::size_t destinations : {1, 2, 3, 4}) {
      for (const bool skewed : {false, true}) {
        ++turn;
        check_case({.sources = sources,
                    .destinations = destinations,
                    .count = random() % 100 * 2 + 1,
                    .divisor = kDivisors[turn % std::size(kDivisors)],
                    .in_place = turn % 3 == 0 ? random() & random() : 0,
                    .skewed = skewed,
                    .seed = random()},
                   turn % 5);
      }
    }
  }
}

TEST_P(EveryDeviceKernel, agrees_for_every_count_to_70) {
  for (std::size_t count = 0; count <= 70; ++count) {
    check_case({.count = count, .divisor = 2, .skewed = count % 4 == 1, .seed = count}, count % 3);
  }
}

TEST_P(EveryDeviceKernel, agrees_on_vectors_with_a_head_and_a_tail) {
  const std::size_t bytes = 2 * (16 << 10) + 200;
  std::size_t turn = 0;
  for (const std::size_t sources : {1, 2, 3, 8, 9}) {
    for (const std::size_t destinations : {1, 2, 4}) {
      ++turn;
      check_case({.sources = sources,
                  .destinations = destinations,
                  .count = count_of(bytes),
                  .divisor = kDivisors[turn % std::size(kDivisors)],
                  .in_place = turn % 2,
                  .seed = turn},
                 turn % 2 * size_of(std::get<0>(GetParam())));
    }
  }
}

TEST_P(EveryDeviceKernel, agrees_on_some_thousands_at_any_address) {
  for (const std::size_t sources : {2, 3, 12}) {
    check_case({.sources = sources,
                .count = count_of(9000),
                .divisor = 3,
                .skewed = true,
                .seed = sources});
  }
}

// Makes pipelines again, so only once for every size of element.
TEST_P(EveryDeviceKernel, agrees_where_a_step_takes_several_dispatches) {
  const auto& [dtype, kind] = GetParam();
  constexpr DType kOfEverySize[] = {DType::u8, DType::u16, DType::f32, DType::u64};
  if (kind != ReduceKind::Sum || std::ranges::find(kOfEverySize, dtype) == std::end(kOfEverySize))
    return;
  KernelDevice limited = device().kernel_device();
  limited.limits.maxComputeWorkGroupCount[0] = 2;
  Kernels kernels(limited);
  for (const std::size_t sources : {2, 9}) {
    check_case({.sources = sources, .count = count_of(100000), .seed = sources}, 0, &kernels);
    check_case({.sources = sources, .count = count_of(30000), .skewed = true}, 0, &kernels);
  }
}

std::vector<std::tuple<DType, ReduceKind>> supported() {
  std::vector<std::tuple<DType, ReduceKind>> all;
  for (const DType dtype : kAllDTypes) {
    for (const ReduceKind kind : kAllReduceKinds) {
      if (rlx::supports(kind, dtype)) all.emplace_back(dtype, kind);
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Vulkan, EveryDeviceKernel, testing::ValuesIn(supported()),
                         [](const auto& test) {
                           return std::string(to_string(std::get<0>(test.param))) + "_" +
                                  std::string(to_string(std::get<1>(test.param)));
                         });

}  // namespace
}  // namespace rlx::vulkan::test
