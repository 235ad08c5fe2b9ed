#include <numeric>
#include <stdexcept>

#include "lib/driver/vulkan/vulkan_stream.hpp"
#include "tests/driver/fake_memory.hpp"
#include "tests/driver/vulkan_device/support.hpp"

namespace rlx::vulkan::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class VulkanStreamTest : public VulkanTest {
 protected:
  static Buffer device_buffer(const std::vector<float>& values) {
    Buffer buffer(Device::vulkan(0), DType::f32, {values.size()});
    buffer.upload(std::as_bytes(std::span(values)));
    return buffer;
  }
  static std::vector<float> values_of(const Buffer& buffer) {
    std::vector<float> values(buffer.count());
    buffer.download(std::as_writable_bytes(std::span(values)));
    return values;
  }
};

TEST_F(VulkanStreamTest, copies_between_device_and_host_in_order) {
  const auto stream = make_stream(Device::vulkan(0));
  EXPECT_EQ(stream->device(), Device::vulkan(0));
  std::vector<float> from(3'000'001);  // several staging buffers
  std::iota(from.begin(), from.end(), 1.0F);
  std::vector<float> into(from.size());
  std::vector<float> again(from.size());
  Buffer a(Device::vulkan(0), DType::f32, {from.size()});
  Buffer b(Device::vulkan(0), DType::f32, {from.size()});
  stream->enqueue_copy(a, std::span<const float>(from));
  stream->enqueue_copy(b, a);
  stream->enqueue_copy(std::span(into), b);
  stream->enqueue_copy(std::span(again), std::span<const float>(into));
  stream->submit_and_wait();
  EXPECT_TRUE(into == from);
  EXPECT_TRUE(again == from);
}

TEST_F(VulkanStreamTest, reduces_memory_of_device_and_host_in_any_mixture) {
  const auto stream = make_stream(Device::vulkan(0));
  for (unsigned where = 0; where < 8; ++where) {
    Buffer a = device_buffer({1, 2, 3});
    Buffer b = device_buffer({10, 20, 30});
    Buffer sum = device_buffer({0, 0, 0});
    std::vector<float> host_a{1, 2, 3};
    std::vector<float> host_b{10, 20, 30};
    std::vector<float> host_sum(3);
    const std::vector<ConstBufferView> sources{
        (where & 1) != 0 ? ConstBufferView(std::span<const float>(host_a)) : ConstBufferView(a),
        (where & 2) != 0 ? ConstBufferView(std::span<const float>(host_b)) : ConstBufferView(b)};
    const bool to_host = (where & 4) != 0;
    stream->enqueue_reduce(to_host ? BufferView(std::span(host_sum)) : BufferView(sum), sources,
                           ReduceKind::Sum);
    stream->submit_and_wait();
    EXPECT_THAT(to_host ? host_sum : values_of(sum), ElementsAre(11, 22, 33)) << where;
  }
}

TEST_F(VulkanStreamTest, reduces_every_dtype_also_those_that_the_device_lacks) {
  const auto stream = make_stream(Device::vulkan(0));
  for (const DType dtype : kAllDTypes) {
    const std::size_t bytes = 1001 * size_of(dtype);
    Buffer zeros(Device::vulkan(0), dtype, {1001});
    Buffer values(Device::vulkan(0), dtype, {1001});
    // Small positive numbers of every dtype: 0x01 bytes would be denormal halves.
    Bytes pattern(bytes);
    for (std::size_t i = size_of(dtype) - 1; i < bytes; i += size_of(dtype)) {
      pattern[i] = std::byte{0x3C};
    }
    values.upload(pattern);
    stream->enqueue_reduce(zeros, std::vector<ConstBufferView>{zeros, values}, ReduceKind::Max);
    stream->submit_and_wait();
    Bytes got(bytes);
    zeros.download(got);
    EXPECT_TRUE(got == pattern) << to_string(dtype);
  }
}

TEST_F(VulkanStreamTest, mean_divides_by_the_number_of_sources_and_one_source_is_a_copy) {
  const auto stream = make_stream(Device::vulkan(0));
  Buffer a = device_buffer({1, 2});
  const Buffer b = device_buffer({3, 6});
  stream->enqueue_reduce(a, std::vector<ConstBufferView>{a, b}, ReduceKind::Mean);
  stream->submit_and_wait();
  EXPECT_THAT(values_of(a), ElementsAre(2, 4));
  stream->enqueue_reduce(a, std::vector<ConstBufferView>{b}, ReduceKind::Mean);
  stream->submit_and_wait();
  EXPECT_THAT(values_of(a), ElementsAre(3, 6));
}

TEST_F(VulkanStreamTest, imported_host_memory_is_used_where_it_lies) {
  const Pages pages(1U << 16);
  const auto import = driver().import_host(0, pages.all());
  if (import == nullptr) GTEST_SKIP() << "no host import here";
  auto* const host = reinterpret_cast<float*>(pages.data());
  std::fill_n(host, 1000, 2.0F);
  const auto stream = make_stream(Device::vulkan(0));
  const Buffer a = device_buffer(std::vector<float>(1000, 3.0F));
  stream->enqueue_reduce(std::span(host, 1000),
                         std::vector<ConstBufferView>{a, std::span<const float>(host, 1000)},
                         ReduceKind::Sum);
  stream->submit_and_wait();
  EXPECT_THAT(std::span(host, 1000), Each(5.0F));
}

TEST_F(VulkanStreamTest, polled_work_comes_after_what_is_before_it_and_holds_back_what_follows) {
  const auto stream = make_stream(Device::vulkan(0));
  std::vector<float> host{0, 0};
  const Buffer a = device_buffer({1, 2});
  Buffer b = device_buffer({0, 0});
  int polls = 0;
  stream->enqueue_copy(std::span(host), a);
  stream->enqueue([&] {
    EXPECT_THAT(host, ElementsAre(1, 2));
    if (++polls < 5) return false;
    host = {7, 8};
    return true;
  });
  stream->enqueue_copy(b, std::span<const float>(host));
  stream->submit_and_wait();
  EXPECT_EQ(polls, 5);
  EXPECT_THAT(values_of(b), ElementsAre(7, 8));
}

TEST_F(VulkanStreamTest, what_polled_work_throws_comes_out_and_ends_it) {
  const auto stream = make_stream(Device::vulkan(0));
  bool broken = false;
  stream->enqueue([&]() -> bool {
    if (!broken) return false;
    throw std::runtime_error("broken");
  });
  std::vector<float> host{0};
  const Buffer a = device_buffer({4});
  stream->enqueue_copy(std::span(host), a);
  broken = true;
  EXPECT_THROW(stream->wait(), std::runtime_error);
  stream->submit_and_wait();
  EXPECT_THAT(host, ElementsAre(4));
}

TEST_F(VulkanStreamTest, somebody_else_may_drive_it_without_waiting) {
  VulkanStream stream(open_device(0), 0);
  EXPECT_FALSE(stream.progress());
  bool open = false, passed = false;
  stream.enqueue([&] { return open; });
  std::vector<float> host{0};
  const Buffer a = device_buffer({4});
  stream.enqueue_copy(std::span(host), a);
  stream.enqueue([&] { return passed = true; });
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(stream.progress());
  EXPECT_THAT(host, ElementsAre(0));
  open = true;
  EXPECT_TRUE(stream.progress());
  while (!passed) stream.progress();
  EXPECT_THAT(host, ElementsAre(4));
}

TEST_F(VulkanStreamTest, memory_of_another_device_is_refused) {
  const auto stream = make_stream(Device::vulkan(0));
  Buffer a = device_buffer({1, 2});
  const Buffer other = rlx::test::fake_buffer(DType::f32, {2});
  EXPECT_THAT(error_of([&] { stream->enqueue_copy(a, other); }, ErrorKind::Unsupported),
              HasSubstr("to_device()"));
}

TEST_F(VulkanStreamTest, one_that_is_dropped_finishes_what_it_started) {
  Buffer a = device_buffer(std::vector<float>(500'000, 1.0F));
  {
    const auto stream = make_stream(Device::vulkan(0));
    const Buffer b = device_buffer(std::vector<float>(500'000, 2.0F));
    stream->enqueue_copy(a, b);
    stream->submit();
    stream->wait();
    stream->enqueue([]() -> bool { return false; });
  }
  EXPECT_THAT(values_of(a), Each(2.0F));
}

}  // namespace
}  // namespace rlx::vulkan::test
