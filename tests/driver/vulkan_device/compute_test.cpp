#include <cstring>
#include <thread>

#include "tests/driver/vulkan_device/support.hpp"

namespace rlx::vulkan::test {
namespace {

using ::testing::HasSubstr;

// With the device's own queues, and with two that only transfer, pretended where there are none.
class VulkanComputeTest : public VulkanTest, public ::testing::WithParamInterface<std::uint32_t> {
 protected:
  void SetUp() override {
    VulkanTest::SetUp();
    hooks().transfer_queues = GetParam();
    reopen();
  }
  void TearDown() override {
    hooks().transfer_queues = 0;
    reopen();
    VulkanTest::TearDown();
  }
  static std::unique_ptr<detail::DeviceMemory> memory_of(const Bytes& bytes) {
    auto memory = driver().allocate(0, bytes.size());
    memory->write(0, bytes);
    return memory;
  }
  static Bytes contents(const detail::DeviceMemory& memory, std::size_t bytes) {
    Bytes read(bytes);
    memory.read(0, read);
    return read;
  }
  static ComputeTicket sum(std::byte* into, std::vector<const std::byte*> from, std::size_t count,
                           DType dtype) {
    return compute().submit({.destinations = {&into, 1},
                             .sources = from,
                             .count = count,
                             .dtype = dtype,
                             .kind = ReduceKind::Sum});
  }
};

TEST_P(VulkanComputeTest, tickets_grow_and_all_before_one_are_done_with_it) {
  const auto a = memory_of(random_bytes(100, 1));
  const auto b = driver().allocate(0, 100);
  const ComputeTicket first = copy(compute(), b->address(), a->address(), 50);
  const ComputeTicket empty = copy(compute(), b->address(), a->address(), 0);
  const ComputeTicket last = copy(compute(), b->address() + 50, a->address() + 50, 50);
  EXPECT_LT(first, empty);
  EXPECT_LT(empty, last);
  ASSERT_TRUE(wait_for(compute(), last));
  EXPECT_TRUE(compute().done(first));
  EXPECT_TRUE(compute().done(empty));
  EXPECT_EQ(contents(*b, 100), random_bytes(100, 1));
}

TEST_P(VulkanComputeTest, copies_any_bytes_in_all_directions) {
  constexpr std::size_t kBytes = 65536;
  const Pages left(kBytes);
  const Pages right(kBytes, Pages::Kind::memfd);
  const auto import_left = driver().import_host(0, left.all());
  const auto import_right = driver().import_host(0, right.all());
  if (import_left == nullptr || import_right == nullptr) GTEST_SKIP() << "no host import here";
  const Bytes from = random_bytes(kBytes, 11);
  for (const bool host_source : {false, true}) {
    for (const bool host_destination : {false, true}) {
      for (const auto& [source_at, destination_at, bytes] :
           {std::array<std::size_t, 3>{0, 0, kBytes},
            {1, 2, 1},
            {3, 3, 1000},
            {5, 64, 4099},
            {4095, 4097, 60000},
            {65535, 0, 1}}) {
        const auto source = memory_of(from);
        const auto destination = memory_of(random_bytes(kBytes, 12));
        std::memcpy(left.data(), from.data(), kBytes);
        Bytes expected = random_bytes(kBytes, 12);
        std::memcpy(right.data(), expected.data(), kBytes);
        std::memcpy(expected.data() + destination_at, from.data() + source_at, bytes);
        std::byte* const into = host_destination ? right.data() : destination->address();
        ASSERT_TRUE(wait_for(
            compute(), copy(compute(), into + destination_at,
                            (host_source ? left.data() : source->address()) + source_at, bytes)));
        const Bytes got = host_destination ? Bytes(right.data(), right.data() + kBytes)
                                           : contents(*destination, kBytes);
        EXPECT_TRUE(got == expected) << host_source << host_destination << ' ' << bytes;
      }
    }
  }
}

TEST_P(VulkanComputeTest, one_copy_has_several_destinations_and_may_be_in_place) {
  const Bytes from = random_bytes(5000, 2);
  const auto source = memory_of(from);
  const auto left = driver().allocate(0, 5000);
  const auto right = driver().allocate(0, 5000);
  std::byte* const into[] = {left->address(), source->address(), right->address()};
  const std::byte* const data = source->address();
  ASSERT_TRUE(wait_for(
      compute(),
      compute().submit(
          {.destinations = into, .sources = {&data, 1}, .count = 2500, .dtype = DType::f16})));
  EXPECT_EQ(contents(*left, 5000), from);
  EXPECT_EQ(contents(*source, 5000), from);
  EXPECT_EQ(contents(*right, 5000), from);
}

// Each step reads what the one before wrote, some in the same batch and some not, through the host
// and back.
TEST_P(VulkanComputeTest, steps_that_touch_the_same_bytes_run_in_order) {
  constexpr std::size_t kBytes = 40'000;
  const Pages pages(2 * 40'960);
  const auto import = driver().import_host(0, pages.all());
  if (import == nullptr) GTEST_SKIP() << "no host import here";
  const Bytes from = random_bytes(kBytes, 3);
  const auto a = memory_of(from);
  const auto b = driver().allocate(0, kBytes);
  std::byte* const around[] = {a->address(), pages.data(), b->address(), pages.data() + 40'960};
  ComputeTicket last = 0;
  for (int step = 0; step < 200; ++step) {
    // One byte to the left each time, so that a step too early or too late shows.
    std::byte* const source = around[step % 4];
    std::byte* const destination = around[(step + 1) % 4];
    (void)copy(compute(), destination, source + 1, kBytes - 1);
    last = copy(compute(), destination + kBytes - 1, source, 1);
    if (step % 7 == 0) (void)compute().done(last);
  }
  ASSERT_TRUE(wait_for(compute(), last));
  Bytes expected = from;
  std::rotate(expected.begin(), expected.begin() + 200, expected.end());
  EXPECT_TRUE(contents(*a, kBytes) == expected);
}

// Queue 0 computes, the others transfer.
TEST_P(VulkanComputeTest, a_step_is_held_back_until_those_of_other_queues_are_done) {
  const Pages pages(4096);
  const auto import = driver().import_host(0, pages.all());
  if (GetParam() == 0 || import == nullptr) GTEST_SKIP() << "one queue, or no host import";
  const auto a = memory_of(random_bytes(4096, 1));
  const auto b = driver().allocate(0, 4096);
  hooks().held_queues = 1;
  (void)copy(compute(), b->address(), a->address(), 4096);
  const ComputeTicket out = copy(compute(), pages.data(), b->address(), 4096);
  for (int polls = 0; polls < 1000; ++polls) EXPECT_FALSE(compute().done(out));
  EXPECT_EQ(pages.data()[7], std::byte{0});
  hooks().held_queues = 0;
  ASSERT_TRUE(wait_for(compute(), out));
  EXPECT_EQ(std::memcmp(pages.data(), random_bytes(4096, 1).data(), 4096), 0);

  std::memset(pages.data(), 9, 4096);
  hooks().held_queues = ~1U;
  (void)copy(compute(), b->address(), pages.data(), 4096);
  const ComputeTicket on = copy(compute(), a->address(), b->address(), 4096);
  for (int polls = 0; polls < 1000; ++polls) EXPECT_FALSE(compute().done(on));
  hooks().held_queues = 0;
  ASSERT_TRUE(wait_for(compute(), on));
  EXPECT_EQ(contents(*a, 4096), Bytes(4096, std::byte{9}));
}

TEST_P(VulkanComputeTest, what_was_read_may_be_written_afterwards) {
  constexpr std::size_t kBytes = 1'000'000;
  const auto a = memory_of(random_bytes(kBytes, 1));
  const auto b = memory_of(random_bytes(kBytes, 2));
  const auto c = driver().allocate(0, kBytes);
  (void)copy(compute(), c->address(), a->address(), kBytes);
  const ComputeTicket last = copy(compute(), a->address(), b->address(), kBytes);
  ASSERT_TRUE(wait_for(compute(), last));
  EXPECT_TRUE(contents(*c, kBytes) == random_bytes(kBytes, 1));
  EXPECT_TRUE(contents(*a, kBytes) == random_bytes(kBytes, 2));
}

TEST_P(VulkanComputeTest, reductions_are_in_order_with_copies) {
  if (!compute().supports(DType::u32)) GTEST_SKIP() << "the device does not reduce u32";
  constexpr std::size_t kCount = 10'001;
  std::vector<std::uint32_t> ones(kCount, 1);
  const auto bytes = std::as_bytes(std::span(ones));
  const auto a = memory_of(Bytes(bytes.begin(), bytes.end()));
  const auto b = driver().allocate(0, kCount * 4);
  compute().prepare(DType::u32, ReduceKind::Sum);
  ComputeTicket last = 0;
  for (int doubling = 0; doubling < 20; ++doubling) {
    (void)copy(compute(), b->address(), a->address(), kCount * 4);
    last = sum(a->address(), {a->address(), b->address()}, kCount, DType::u32);
  }
  ASSERT_TRUE(wait_for(compute(), last));
  std::vector<std::uint32_t> got(kCount);
  a->read(0, std::as_writable_bytes(std::span(got)));
  EXPECT_THAT(got, ::testing::Each(1U << 20));
}

TEST_P(VulkanComputeTest, reductions_cross_the_borders_of_imported_pieces) {
  if (!compute().supports(DType::u32)) GTEST_SKIP() << "the device does not reduce u32";
  hooks().piece_bytes = 64U << 10;
  constexpr std::size_t kCount = 50'000;
  const Pages pages(256U << 10);
  const auto import = driver().import_host(0, pages.all());
  if (import == nullptr) GTEST_SKIP() << "no host import here";
  for (const std::size_t skew : {0, 1, 3, 4093}) {
    std::byte* const data = pages.data() + skew;
    std::vector<std::uint32_t> values(kCount);
    for (std::size_t i = 0; i < kCount; ++i)
      values[i] = static_cast<std::uint32_t>(i * 2654435761U);
    std::memcpy(data, values.data(), kCount * 4);
    ASSERT_TRUE(wait_for(compute(), sum(data, {data, data}, kCount, DType::u32)));
    for (std::uint32_t& value : values) value *= 2;
    EXPECT_EQ(std::memcmp(data, values.data(), kCount * 4), 0) << skew;
  }
}

TEST_P(VulkanComputeTest, threads_submit_at_the_same_time) {
  constexpr std::size_t kBytes = 30'011;
  std::vector<std::thread> threads;
  std::array<int, 4> right{};
  for (std::size_t t = 0; t < right.size(); ++t) {
    threads.emplace_back([&right, t] {
      const Bytes from = random_bytes(kBytes, t);
      const auto a = memory_of(from);
      const auto b = driver().allocate(0, kBytes);
      for (int round = 0; round < 50; ++round) {
        (void)copy(compute(), b->address(), a->address() + 1, kBytes - 1);
        (void)copy(compute(), b->address() + kBytes - 1, a->address(), 1);
        if (!wait_for(compute(), copy(compute(), a->address(), b->address(), kBytes))) return;
        ++right[t];
      }
      Bytes expected = from;
      std::rotate(expected.begin(), expected.begin() + 50, expected.end());
      if (contents(*a, kBytes) != expected) right[t] = -1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(right, ::testing::Each(50));
}

TEST_P(VulkanComputeTest, many_steps_are_many_batches) {
  constexpr std::size_t kSteps = 1000;
  const auto a = memory_of(random_bytes(kSteps * 100, 6));
  const auto b = driver().allocate(0, kSteps * 100);
  ComputeTicket last = 0;
  for (std::size_t step = 0; step < kSteps; ++step) {
    last = copy(compute(), b->address() + step * 100, a->address() + step * 100, 100);
  }
  ASSERT_TRUE(wait_for(compute(), last));
  EXPECT_TRUE(contents(*b, kSteps * 100) == random_bytes(kSteps * 100, 6));
}

TEST_P(VulkanComputeTest, reaches_its_own_memory_and_nothing_else) {
  const auto memory = driver().allocate(0, 1000);
  EXPECT_TRUE(compute().reaches(memory->address(), 1000));
  EXPECT_TRUE(compute().reaches(memory->address() + 999, 1));
  const int on_the_stack = 0;
  EXPECT_FALSE(compute().reaches(reinterpret_cast<const std::byte*>(&on_the_stack), 4));
}

TEST_P(VulkanComputeTest, a_step_that_names_other_memory_fails_the_device_and_hangs_nobody) {
  reopen();
  Bytes outside(10);
  const auto memory = driver().allocate(0, 10);
  const ComputeTicket ticket = copy(compute(), memory->address(), outside.data(), 10);
  EXPECT_FALSE(wait_for(compute(), ticket));
  EXPECT_THAT(compute().failure(), HasSubstr("neither memory of this device nor imported"));
  reopen();
}

INSTANTIATE_TEST_SUITE_P(Queues, VulkanComputeTest, ::testing::Values(0U, 1U, 2U),
                         [](const auto& given) {
                           return "transfer_queues_" + std::to_string(given.param);
                         });

}  // namespace
}  // namespace rlx::vulkan::test
