// What kernels make of devices that lack something, of many operands, and of errors.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "lib/driver/vulkan/kernels/float_controls.hpp"
#include "lib/driver/vulkan/kernels/shaders.hpp"
#include "rlx/error.hpp"
#include "tests/driver/step_case.hpp"
#include "tests/driver/vulkan/kernels_fixture.hpp"

namespace rlx::vulkan::test {
namespace {

using rlx::test::mismatch;
using rlx::test::NamedKernel;

class DeviceKernels : public OnDevice {};

TEST_F(DeviceKernels, are_watched_by_the_validation_layer) {
  EXPECT_TRUE(device().validated()) << "install vulkan-validationlayers";
}

TEST_F(DeviceKernels, support_what_the_features_allow) {
  const auto supported = [](const KernelDevice& with, DType dtype) {
    return Kernels(with).supports(dtype);
  };
  const KernelDevice all = device().kernel_device();
  for (const DType dtype : kAllDTypes) {
    EXPECT_TRUE(supported(all, dtype)) << to_string(dtype);
    KernelDevice lacking = all;
    lacking.int64 = false;
    EXPECT_EQ(supported(lacking, dtype), size_of(dtype) != 8) << to_string(dtype);
    lacking = all;
    lacking.float64 = false;
    EXPECT_EQ(supported(lacking, dtype), dtype != DType::f64) << to_string(dtype);
    lacking = all;
    lacking.float_controls.shaderRoundingModeRTEFloat32 = VK_FALSE;
    EXPECT_EQ(supported(lacking, dtype), !is_floating(dtype) || dtype == DType::f64)
        << to_string(dtype);
    lacking = all;
    lacking.storage_8bit = false;
    EXPECT_FALSE(supported(lacking, dtype)) << to_string(dtype);
    EXPECT_FALSE(Kernels(lacking).copies());
    lacking = all;
    lacking.limits.maxComputeWorkGroupInvocations = 128;
    EXPECT_FALSE(supported(lacking, dtype)) << to_string(dtype);
  }
  EXPECT_TRUE(Kernels(all).copies());
}

TEST_F(DeviceKernels, copy_where_the_dtype_does_not_support_the_kind) {
  const NamedKernel kernel{"vulkan", [](const ComputeStep& step) { run(step); }};
  for (const std::size_t destinations : {1, 3, 7}) {
    for (const std::size_t count : {1, 77, 9001}) {
      for (const bool skewed : {false, true}) {
        EXPECT_EQ(mismatch({.dtype = DType::f8e5m2,
                            .kind = ReduceKind::Xor,
                            .sources = 1,
                            .destinations = destinations,
                            .count = count,
                            .skewed = skewed},
                           {&kernel, 1}),
                  "");
      }
    }
  }
}

TEST_F(DeviceKernels, reduce_hundreds_of_sources_to_many_destinations) {
  const NamedKernel kernel{"vulkan", [](const ComputeStep& step) { run(step); }};
  for (const DType dtype : {DType::u8, DType::i64, DType::f32}) {
    EXPECT_EQ(mismatch({.dtype = dtype,
                        .kind = ReduceKind::Sum,
                        .sources = 512,
                        .destinations = 255,
                        .count = 5001,
                        .in_place = 5},
                       {&kernel, 1}),
              "");
  }
}

// The table of addresses is one: its rewriting waits for the pass before.
TEST_F(DeviceKernels, take_many_passes_of_many_sources_in_one_command_buffer) {
  constexpr std::size_t kPasses = 40;
  constexpr std::size_t kSources = 12;
  constexpr std::size_t kCount = 50000;
  const Memory memory =
      device().allocate((kSources + kPasses) * kCount * sizeof(std::uint32_t),
                        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
  auto* values = reinterpret_cast<std::uint32_t*>(memory.data);
  std::iota(values, values + kSources * kCount, 0U);
  const auto operand = [&](std::size_t i) {
    return memory.address + i * kCount * sizeof(std::uint32_t);
  };
  device().run([&](VkCommandBuffer commands) {
    for (std::size_t pass = 0; pass < kPasses; ++pass) {
      // Every pass takes the first source once more.
      std::vector<VkDeviceAddress> sources(kSources + pass, operand(0));
      for (std::size_t s = 0; s < kSources; ++s) sources[s] = operand(s);
      const VkDeviceAddress destination = operand(kSources + pass);
      kernels().record(commands, {.destinations = {&destination, 1},
                                  .sources = sources,
                                  .count = kCount,
                                  .dtype = DType::u32});
    }
  });
  std::size_t wrong = 0;
  for (std::size_t pass = 0; pass < kPasses; ++pass) {
    for (std::size_t i = 0; i < kCount; ++i) {
      std::uint32_t expected = static_cast<std::uint32_t>(pass) * values[i];
      for (std::size_t s = 0; s < kSources; ++s) expected += values[s * kCount + i];
      wrong += values[(kSources + pass) * kCount + i] == expected ? 0U : 1U;
    }
  }
  EXPECT_EQ(wrong, 0U);
  device().free(memory);
}

TEST_F(DeviceKernels, refuse_more_operands_than_the_table_holds) {
  const std::vector<VkDeviceAddress> sources(8192, 4096);
  const VkDeviceAddress destination = 4096;
  device().run([&](VkCommandBuffer commands) {
    EXPECT_THROW(kernels().record(commands, {.destinations = {&destination, 1},
                                             .sources = sources,
                                             .count = 1,
                                             .dtype = DType::u8}),
                 CollectiveError);
  });
}

TEST_F(DeviceKernels, are_prepared_for_every_dtype_and_kind) {
  for (const ReduceKind kind : kAllReduceKinds) {
    EXPECT_NO_THROW(kernels().prepare(DType::i16, kind));
    EXPECT_NO_THROW(kernels().prepare(DType::f16, kind));  // of which not all are supported
  }
}

TEST(VulkanResult, is_thrown_with_its_name_and_what_was_done) {
  EXPECT_NO_THROW(check(VK_SUCCESS, "vkNothing"));
  try {
    check(VK_ERROR_DEVICE_LOST, "vkQueueSubmit");
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Device);
    EXPECT_NE(std::string(error.what()).find("VK_ERROR_DEVICE_LOST"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("vkQueueSubmit"), std::string::npos);
  }
  try {
    check(VK_ERROR_OUT_OF_DEVICE_MEMORY, "vkAllocateMemory");
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::OutOfMemory);
  }
  EXPECT_STREQ(name_of(VK_ERROR_FORMAT_NOT_SUPPORTED), "VK_ERROR_FORMAT_NOT_SUPPORTED");
  EXPECT_STREQ(name_of(static_cast<VkResult>(-77)), "an unknown VkResult");
}

TEST(FloatControls, are_asked_of_a_module_as_far_as_the_device_promises_them) {
  VkPhysicalDeviceFloatControlsProperties device{};
  EXPECT_FALSE(float_controls(device, 32).exact);
  device.shaderRoundingModeRTEFloat32 = VK_TRUE;
  device.shaderSignedZeroInfNanPreserveFloat32 = VK_TRUE;
  device.shaderDenormPreserveFloat32 = VK_TRUE;
  device.roundingModeIndependence = VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_32_BIT_ONLY;
  device.denormBehaviorIndependence = VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_NONE;
  EXPECT_TRUE(float_controls(device, 32).exact);
  EXPECT_FALSE(float_controls(device, 32).keeps_denormals);
  EXPECT_FALSE(float_controls(device, 64).exact);
  const auto module = shader(ShaderType::f32, true);
  const auto plain = with_float_controls(module, {}, 32);
  EXPECT_TRUE(std::equal(plain.begin(), plain.end(), module.begin(), module.end()));
  // A capability of two words and a mode of four for each.
  EXPECT_EQ(with_float_controls(module, {.exact = true}, 32).size(), module.size() + 12);
  EXPECT_EQ(with_float_controls(module, {true, true}, 32).size(), module.size() + 18);
}

}  // namespace
}  // namespace rlx::vulkan::test
