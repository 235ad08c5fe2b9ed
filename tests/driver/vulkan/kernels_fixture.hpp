#pragma once
// The kernels of this machine's first Vulkan device, as kernels under test of StepCase.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "lib/driver/compute.hpp"
#include "lib/driver/vulkan/kernels/kernels.hpp"
#include "tools/kernels/open_device.hpp"

namespace rlx::vulkan::test {

/// The device of all tests of this program, opened once; null where there is none.
[[nodiscard]] const OpenDevice* shared_device();

/// Skips where there is no device; fails if the validation layer says a word.
class OnDevice : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] static const OpenDevice& device() { return *shared_device(); }
  /// Kernels that all tests share: pipelines take long to make.
  [[nodiscard]] static Kernels& kernels();

  /// Runs a step on host memory: operands and what is around them go to the device, at the same
  /// addresses plus `shift` modulo 64, and come back.
  static void run(const ComputeStep& step, Kernels& kernels, std::size_t shift = 0);
  static void run(const ComputeStep& step) { run(step, kernels()); }

  /// One reduction of columns of values, by shared_device().
  template <class T>
  static std::vector<T> reduced(ReduceKind kind, const std::vector<std::vector<T>>& columns,
                                std::uint64_t divisor);

 private:
  std::size_t messages_ = 0;
};

template <class T>
std::vector<T> OnDevice::reduced(ReduceKind kind, const std::vector<std::vector<T>>& columns,
                                 std::uint64_t divisor) {
  constexpr std::size_t kAround = 64;  // run() takes what is around, too
  const std::size_t count = columns[0].size();
  std::vector<std::vector<T>> padded;
  for (const auto& column : columns) {
    padded.emplace_back(count + 2 * kAround);
    std::copy(column.begin(), column.end(), padded.back().begin() + kAround);
  }
  padded.emplace_back(count + 2 * kAround);
  std::vector<const std::byte*> sources;
  for (std::size_t s = 0; s < columns.size(); ++s) {
    sources.push_back(reinterpret_cast<const std::byte*>(padded[s].data() + kAround));
  }
  auto* destination = reinterpret_cast<std::byte*>(padded.back().data() + kAround);
  run({.destinations = {&destination, 1},
       .sources = sources,
       .count = count,
       .dtype = dtype_of<T>,
       .kind = kind,
       .divisor = divisor});
  return {padded.back().begin() + kAround, padded.back().end() - kAround};
}

}  // namespace rlx::vulkan::test
