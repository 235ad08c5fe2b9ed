#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "lib/driver/vulkan/vulkan_device.hpp"
#include "tests/driver/vulkan_device/support.hpp"

namespace rlx::vulkan::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class VulkanFaultTest : public VulkanTest {};

TEST_F(VulkanFaultTest, without_a_loader_there_are_no_devices_and_the_error_says_why) {
  hooks().no_loader = true;
  reopen();
  EXPECT_EQ(count(), 0U);
  EXPECT_EQ(available_devices(), std::vector<Device>{Device::cpu()});
  EXPECT_THAT(error_of([] { (void)make_stream(Device::vulkan(0)); }, ErrorKind::Unsupported),
              AllOf(HasSubstr("vulkan:0"), HasSubstr("libvulkan.so.1 is not installed"),
                    HasSubstr("available here: cpu")));
  EXPECT_THAT(
      error_of([] { (void)closest_device(DeviceKind::vulkan, 0, 1); }, ErrorKind::Unsupported),
      HasSubstr("libvulkan.so.1"));
  hooks().no_loader = false;
  reopen();
  EXPECT_GT(count(), 0U);
}

TEST_F(VulkanFaultTest, a_lost_device_finishes_nothing_and_says_what_happened) {
  reopen();
  const auto a = driver().allocate(0, 1000);
  const auto b = driver().allocate(0, 1000);
  const ComputeTicket before = copy(compute(), b->address(), a->address(), 1000);
  ASSERT_TRUE(wait_for(compute(), before));
  hooks().submissions_until_lost = 1;
  const ComputeTicket works = copy(compute(), b->address(), a->address(), 1000);
  ASSERT_TRUE(wait_for(compute(), works));
  const ComputeTicket never = copy(compute(), b->address(), a->address(), 1000);
  EXPECT_FALSE(compute().done(never));
  EXPECT_THAT(compute().failure(), AllOf(HasSubstr("vulkan:0"), HasSubstr("VK_ERROR_DEVICE_LOST")));
  EXPECT_TRUE(compute().done(works));
  EXPECT_FALSE(compute().done(copy(compute(), b->address(), a->address(), 1000)));
  Bytes bytes(1000);
  EXPECT_THAT(error_of([&] { a->read(0, bytes); }, ErrorKind::Device),
              HasSubstr("VK_ERROR_DEVICE_LOST"));
  EXPECT_THAT(error_of([] { (void)driver().allocate(0, 8); }, ErrorKind::Device),
              HasSubstr("VK_ERROR_DEVICE_LOST"));
}

TEST_F(VulkanFaultTest, a_device_lost_while_memory_is_made_gives_it_back) {
  reopen();
  (void)driver().allocate(0, 64);
  hooks().submissions_until_lost = 0;
  EXPECT_THAT(error_of([] { (void)driver().allocate(0, 1000); }, ErrorKind::Device),
              HasSubstr("VK_ERROR_DEVICE_LOST"));
}

TEST_F(VulkanFaultTest, a_lost_device_still_releases_imports_with_pending_steps) {
  reopen();
  const Pages pages(1U << 20);
  auto import = driver().import_host(0, pages.all());
  if (import == nullptr) GTEST_SKIP() << "no host import here";
  const auto memory = driver().allocate(0, 1U << 20);
  hooks().submissions_until_lost = 1;
  (void)copy(compute(), pages.data(), memory->address(), 1U << 20);
  (void)compute().done(0);
  (void)copy(compute(), memory->address(), pages.data(), 1U << 20);
  import.reset();
  EXPECT_FALSE(compute().reaches(pages.data(), 1));
}

TEST_F(VulkanFaultTest, a_streams_errors_name_the_device) {
  reopen();
  const auto stream = make_stream(Device::vulkan(0));
  Buffer a(Device::vulkan(0), DType::f32, {100});
  Buffer b(Device::vulkan(0), DType::f32, {100});
  hooks().submissions_until_lost = 0;
  stream->enqueue_copy(a, b);
  EXPECT_THAT(error_of([&] { stream->submit_and_wait(); }, ErrorKind::Device),
              AllOf(HasSubstr("vulkan:0"), HasSubstr("VK_ERROR_DEVICE_LOST")));
}

// 0: a device opened in the child copied right; else what went wrong.
int use_a_device_of_my_own(const Bytes& expected) {
  try {
    const DeviceDriver& driver = driver_of(Device::vulkan(0));
    const auto mine = driver.allocate(0, expected.size());
    const auto other = driver.allocate(0, expected.size());
    Compute& compute = driver.compute(0);
    mine->write(0, expected);
    if (!wait_for(compute, copy(compute, other->address(), mine->address(), expected.size()))) {
      return 3;
    }
    Bytes read(expected.size());
    other->read(0, read);
    return read == expected ? 0 : 4;
  } catch (const std::exception&) {
    return 2;
  }
}

// What the parent has opened is not the child's, also where objects of it are still alive. Drivers
// of GPUs may refuse a child that wants a device of its own, so only lavapipe is asked for one.
TEST_F(VulkanFaultTest, a_forked_child_leaves_its_parents_devices_alone) {
  const bool processor = driver().location(0).processor;
  const Bytes expected = random_bytes(1000, 5);
  auto parents = driver().allocate(0, 1000);
  parents->write(0, expected);
  Compute& parents_compute = compute();
  const Pages pages(4096);
  auto import = driver().import_host(0, pages.all());
  const pid_t child = fork();
  if (child == 0) {
    const bool refused = !parents_compute.failure().empty() && !parents_compute.done(1);
    import.reset();
    parents.reset();
    _exit(!refused ? 1 : processor ? use_a_device_of_my_own(expected) : 0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  Bytes read(1000);
  parents->read(0, read);
  EXPECT_EQ(read, expected);
}

TEST_F(VulkanFaultTest, what_a_device_says_about_itself) {
  const DeviceProperties properties = Device::vulkan(0).properties();
  EXPECT_THAT(properties.description, Not(::testing::IsEmpty()));
  EXPECT_THAT(properties.driver, HasSubstr("Vulkan 1."));
  EXPECT_GT(properties.memory_bytes, 0U);
  EXPECT_FALSE(properties.host_addressable);
  EXPECT_THAT(properties.queues, HasSubstr("1 compute"));
  EXPECT_EQ(closest_device(DeviceKind::vulkan, 0, 1).kind(), DeviceKind::vulkan);
  EXPECT_EQ(absence(), "");
}

}  // namespace
}  // namespace rlx::vulkan::test
