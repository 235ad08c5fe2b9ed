#include "rlx/buffer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "rlx/error.hpp"
#include "tests/driver/fake_memory.hpp"

// Under AddressSanitizer, memory that is not to be had is a null pointer, as it is without.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

namespace rlx {
namespace {

using ::testing::HasSubstr;

template <class F>
ErrorKind kind_of(F&& f) {
  try {
    f();
  } catch (const CollectiveError& error) {
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::Internal;
}

TEST(Buffer, is_zeroed_and_aligned_for_any_shape) {
  for (const std::size_t count : {0, 1, 7, 64, 1000}) {
    Buffer buffer(Device::cpu(), DType::f32, {count});
    EXPECT_EQ(buffer.count(), count);
    EXPECT_EQ(buffer.bytes(), 4 * count);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.host_bytes().data()) % 64, 0U);
    for (const float value : buffer.span<float>()) EXPECT_EQ(value, 0.0F);
  }
}

TEST(Buffer, typed_access_is_checked) {
  Buffer buffer(Device::cpu(), DType::i32, {2, 3});
  std::iota(buffer.span<std::int32_t>().begin(), buffer.span<std::int32_t>().end(), 10);
  const Buffer& read_only = buffer;
  EXPECT_EQ(read_only.span<std::int32_t>()[5], 15);
  EXPECT_EQ(kind_of([&] { (void)buffer.span<float>(); }), ErrorKind::InvalidArgument);
  EXPECT_EQ(kind_of([&] { (void)read_only.span<std::uint32_t>(); }), ErrorKind::InvalidArgument);
}

TEST(Buffer, to_device_copies_and_keeps_dtype_and_shape) {
  Buffer buffer(Device::cpu(), DType::u16, {4});
  buffer.span<std::uint16_t>()[3] = 77;
  Buffer copy = buffer.to_device(Device::cpu());
  buffer.span<std::uint16_t>()[3] = 1;
  EXPECT_EQ(copy.span<std::uint16_t>()[3], 77);
  EXPECT_EQ(copy.shape(), buffer.shape());
  EXPECT_EQ(copy.dtype(), DType::u16);
}

TEST(Buffer, moving_keeps_its_memory) {
  Buffer buffer(Device::cpu(), DType::u8, {100});
  const std::byte* where = buffer.host_bytes().data();
  const Buffer moved = std::move(buffer);
  EXPECT_EQ(moved.host_bytes().data(), where);
}

TEST(Buffer, host_bytes_of_a_device_buffer_are_an_error_and_never_a_silent_copy) {
  Buffer buffer = test::fake_buffer(DType::f32, {8});
  try {
    (void)buffer.host_bytes();
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
    EXPECT_THAT(error.what(), HasSubstr("vulkan:0"));
    EXPECT_THAT(error.what(), HasSubstr("to_host()"));
  }
  EXPECT_EQ(kind_of([&] { (void)buffer.span<float>(); }), ErrorKind::Unsupported);
  EXPECT_EQ(kind_of([&] { (void)std::as_const(buffer).host_bytes(); }), ErrorKind::Unsupported);
}

TEST(Buffer, transfers_are_calls) {
  Buffer device = test::fake_buffer(DType::i64, {3});
  const std::vector<std::int64_t> values{5, -6, 7};
  device.upload(std::as_bytes(std::span(values)));
  const Buffer host = device.to_host();
  EXPECT_EQ(host.device(), Device::cpu());
  EXPECT_THAT(
      std::vector<std::int64_t>(host.span<std::int64_t>().begin(), host.span<std::int64_t>().end()),
      ::testing::ElementsAre(5, -6, 7));
  std::vector<std::int64_t> back(3);
  device.download(std::as_writable_bytes(std::span(back)));
  EXPECT_EQ(back, values);
}

TEST(Buffer, transfers_of_another_length_are_refused) {
  Buffer buffer(Device::cpu(), DType::i64, {3});
  std::vector<std::byte> bytes(23);
  EXPECT_EQ(kind_of([&] { buffer.upload(bytes); }), ErrorKind::LengthMismatch);
  EXPECT_EQ(kind_of([&] { buffer.download(bytes); }), ErrorKind::LengthMismatch);
}

TEST(Buffer, what_can_not_be_had_is_an_error) {
  EXPECT_EQ(kind_of([] { Buffer(Device::vulkan(99), DType::u8, {1}); }), ErrorKind::Unsupported);
  EXPECT_EQ(kind_of([] { Buffer(Device::cpu(), DType::u8, {std::size_t{1} << 60}); }),
            ErrorKind::OutOfMemory);
  EXPECT_EQ(kind_of([] { Buffer(Device::cpu(), DType::u8, {~std::size_t{0}}); }),
            ErrorKind::OutOfMemory);
  EXPECT_EQ(kind_of([] { Buffer(Device::cpu(), DType::f64, {std::size_t{1} << 62}); }),
            ErrorKind::InvalidArgument);
}

TEST(BufferHandle, names_dtype_and_shape) {
  const BufferHandle handle{"weights", DType::bf16, {3, 5}};
  EXPECT_EQ(handle.bytes(), 30U);
  EXPECT_EQ(handle, (BufferHandle{"weights", DType::bf16, {3, 5}}));
  EXPECT_NE(handle, (BufferHandle{"weights", DType::f16, {3, 5}}));
  EXPECT_NE(handle, (BufferHandle{"weights", DType::bf16, {15}}));
}

}  // namespace
}  // namespace rlx
