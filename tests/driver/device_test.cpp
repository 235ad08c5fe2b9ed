#include "rlx/device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/driver/devices.hpp"
#include "rlx/error.hpp"
#include "rlx/topology.hpp"

namespace rlx {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Device, is_a_value_with_a_name_that_parses_back) {
  for (const Device& device : {Device::cpu(), Device::vulkan(0), Device::vulkan(3)}) {
    EXPECT_EQ(Device::parse(device.name()), device);
  }
  EXPECT_EQ(Device::cpu().name(), "cpu");
  EXPECT_EQ(Device::vulkan(3).name(), "vulkan:3");
  EXPECT_EQ(Device::parse("vulkan"), Device::vulkan(0));
  EXPECT_NE(Device::vulkan(0), Device::vulkan(1));
  EXPECT_NE(Device::cpu(), Device::vulkan(0));
}

TEST(Device, a_name_that_is_none_is_an_error_that_lists_the_forms) {
  for (const char* name : {"", "gpu", "cpu:0", "vulkan:", "vulkan:x", "vulkan:1x", "vulkan:-1"}) {
    try {
      (void)Device::parse(name);
      ADD_FAILURE() << name;
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
      EXPECT_THAT(error.what(), HasSubstr("vulkan:N"));
    }
  }
}

TEST(Device, the_cpu_is_always_available_and_first) {
  const std::vector<Device> devices = available_devices();
  ASSERT_FALSE(devices.empty());
  EXPECT_EQ(devices[0], Device::cpu());
  EXPECT_EQ(&driver_of(Device::cpu()), &device_drivers()[0]);
}

TEST(Device, the_cpu_describes_itself) {
  const DeviceProperties properties = Device::cpu().properties();
  EXPECT_FALSE(properties.description.empty());
  EXPECT_THAT(properties.driver, HasSubstr("kernels"));
  EXPECT_EQ(properties.compute_units, Topology::discover().cores);
  EXPECT_GT(properties.memory_bytes, 0U);
  EXPECT_TRUE(properties.host_addressable);
}

TEST(Device, one_that_is_not_there_says_what_is_missing_when_used) {
  try {
    (void)Device::vulkan(99).properties();
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("vulkan:99"), HasSubstr("available here: cpu")));
  }
}

}  // namespace
}  // namespace rlx
