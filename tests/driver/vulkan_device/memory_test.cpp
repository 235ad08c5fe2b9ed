#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "rlx/buffer.hpp"
#include "rlx/device_arena.hpp"
#include "tests/driver/vulkan_device/support.hpp"

namespace rlx::vulkan::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class VulkanMemoryTest : public VulkanTest {};

TEST_F(VulkanMemoryTest, begins_as_zeros_that_the_cpu_can_not_reach) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{1000003}}) {
    const auto memory = driver().allocate(0, bytes);
    EXPECT_EQ(memory->host_data(), nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory->address()) % 64, 0U);
    Bytes read(bytes, std::byte{1});
    memory->read(0, read);
    EXPECT_EQ(read, Bytes(bytes, std::byte{0}));
  }
}

TEST_F(VulkanMemoryTest, is_zero_again_after_others_have_used_it) {
  for (int round = 0; round < 3; ++round) {
    const auto memory = driver().allocate(0, 300000);
    Bytes bytes(300000);
    memory->read(0, bytes);
    ASSERT_EQ(bytes, Bytes(300000)) << round;
    memory->write(0, random_bytes(300000, 1));
  }
}

TEST_F(VulkanMemoryTest, keeps_what_is_written_to_any_range) {
  constexpr std::size_t kBytes = 9'000'001;  // more than the staging buffers hold
  const auto memory = driver().allocate(0, kBytes);
  Bytes expected = random_bytes(kBytes, 1);
  memory->write(0, expected);
  for (const std::size_t offset : {1UL, 3UL, 4095UL, 4'194'303UL, 8'999'990UL}) {
    const Bytes part = random_bytes(std::min<std::size_t>(5'000'003, kBytes - offset), offset);
    memory->write(offset, part);
    std::memcpy(expected.data() + offset, part.data(), part.size());
  }
  Bytes read(kBytes);
  memory->read(0, read);
  EXPECT_TRUE(read == expected);
  Bytes part(4'194'307);
  memory->read(2'000'003, part);
  EXPECT_EQ(std::memcmp(part.data(), expected.data() + 2'000'003, part.size()), 0);
}

TEST_F(VulkanMemoryTest, larger_than_the_largest_buffer_is_several) {
  hooks().piece_bytes = 256U << 10;
  const auto memory = driver().allocate(0, 1'000'001);
  const Bytes expected = random_bytes(1'000'001, 7);
  memory->write(0, expected);
  Bytes read(expected.size());
  memory->read(0, read);
  EXPECT_TRUE(read == expected);
  EXPECT_TRUE(compute().reaches(memory->address(), 1'000'001));
  EXPECT_FALSE(compute().reaches(memory->address() + 1, 1'000'000));  // elements across a border
}

TEST_F(VulkanMemoryTest, too_much_is_an_error_that_names_sizes) {
  EXPECT_THAT(
      error_of([] { (void)driver().allocate(0, std::size_t{1} << 46); }, ErrorKind::OutOfMemory),
      AllOf(HasSubstr("vulkan:0"), HasSubstr("70368744177664 bytes"),
            HasSubstr("VK_ERROR_OUT_OF_DEVICE_MEMORY"), HasSubstr("free")));
  EXPECT_THAT(error_of([] { (void)driver().allocate(0, SIZE_MAX); }, ErrorKind::OutOfMemory),
              HasSubstr("vulkan:0"));
  const auto memory = driver().allocate(0, 100);  // and nothing is broken
  EXPECT_NE(memory->address(), nullptr);
}

TEST_F(VulkanMemoryTest, a_device_that_is_full_has_room_again_when_memory_is_given_back) {
  reopen();
  hooks().most_device_bytes = 1U << 20;
  {
    const auto most = driver().allocate(0, 900U << 10);
    EXPECT_THAT(
        error_of([] { Buffer(Device::vulkan(0), DType::f32, {100000}); }, ErrorKind::OutOfMemory),
        HasSubstr("400000 bytes"));
  }
  const Buffer fits(Device::vulkan(0), DType::f32, {100000});
  EXPECT_EQ(fits.bytes(), 400000U);
}

TEST_F(VulkanMemoryTest, serves_buffers_and_arenas) {
  Buffer host(Device::cpu(), DType::i32, {1000});
  for (int i = 0; i < 1000; ++i) host.span<std::int32_t>()[i] = i * i;
  const Buffer there = host.to_device(Device::vulkan(0));
  EXPECT_THAT(error_of([&] { (void)there.host_bytes(); }, ErrorKind::Unsupported),
              HasSubstr("vulkan:0"));
  const Buffer back = there.to_device(Device::vulkan(0)).to_host();
  EXPECT_TRUE(
      std::ranges::equal(back.span<std::int32_t>(), std::as_const(host).span<std::int32_t>()));

  MemoryPlan plan;
  const SlotId slot = plan.add(DType::bf16, {5});
  DeviceArena arena(Device::vulkan(0), plan);
  arena.write(slot, std::vector<float>{1, 2, 3, 4, 5});
  std::vector<float> read(5);
  arena.read(slot, read);
  EXPECT_THAT(read, ::testing::ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(VulkanMemoryTest, is_shared_with_whoever_opens_it) {
  constexpr std::size_t kBytes = (3U << 20) + 100;
  SharedDeviceMemory shared = driver().allocate_shared(0, kBytes);
  ASSERT_NE(shared.memory, nullptr) << "VK_KHR_external_memory_fd";
  const auto opened = driver().open_shared(0, detail::Descriptor(dup(shared.handle.get())), kBytes);
  ASSERT_NE(opened->address(), shared.memory->address());
  const Bytes bytes = random_bytes(kBytes, 3);
  shared.memory->write(0, bytes);
  Bytes read(kBytes);
  opened->read(0, read);
  EXPECT_TRUE(read == bytes);
  // Steps name both, and what is shared outlives whoever made it.
  std::byte* const theirs = opened->address();
  ASSERT_TRUE(wait_for(compute(), copy(compute(), theirs, shared.memory->address() + 500, 400)));
  shared.memory.reset();
  const auto mine = driver().allocate(0, kBytes);
  ASSERT_TRUE(wait_for(compute(), copy(compute(), mine->address(), theirs, kBytes)));
  Bytes expected = bytes;
  std::copy_n(bytes.begin() + 500, 400, expected.begin());
  mine->read(0, read);
  EXPECT_TRUE(read == expected);
}

TEST_F(VulkanMemoryTest, is_not_opened_by_something_else) {
  detail::Descriptor file(memfd_create("rlx-test", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(file.get(), 100), 0);
  const auto said = error_of([&] { (void)driver().open_shared(0, std::move(file), 1U << 20); },
                             ErrorKind::Device);
  EXPECT_THAT(said, HasSubstr("VK_ERROR_"));
}

TEST_F(VulkanMemoryTest, that_does_not_fit_one_buffer_is_not_shared) {
  hooks().piece_bytes = 1U << 20;
  EXPECT_EQ(driver().allocate_shared(0, (1U << 20) + 1).memory, nullptr);
}

TEST_F(VulkanMemoryTest, threads_transfer_at_the_same_time) {
  std::vector<std::thread> threads;
  std::array<bool, 4> right{};
  for (std::size_t t = 0; t < right.size(); ++t) {
    threads.emplace_back([&right, t] {
      const auto memory = driver().allocate(0, 200'003);
      const Bytes expected = random_bytes(200'003, t);
      memory->write(0, expected);
      Bytes read(expected.size());
      memory->read(0, read);
      right[t] = read == expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(right, ::testing::Each(true));
}

}  // namespace
}  // namespace rlx::vulkan::test
