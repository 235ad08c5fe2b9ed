#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "rlx/command_stream.hpp"
#include "rlx/device_arena.hpp"
#include "rlx/error.hpp"
#include "tests/driver/fake_memory.hpp"

namespace rlx {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(const std::function<void()>& f, ErrorKind kind) {
  try {
    f();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), kind);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(SyncStream, copies_and_reduces_buffers_and_host_memory) {
  SyncStream stream;
  Buffer a(Device::cpu(), DType::f32, {3});
  const std::vector<float> b{1, 2, 3};
  std::vector<float> out(3);
  stream.enqueue_copy(a, std::span(b));
  stream.enqueue_reduce(std::span(out), std::vector<ConstBufferView>{a, std::span(b), a},
                        ReduceKind::Sum);
  stream.submit_and_wait();
  EXPECT_THAT(out, ElementsAre(3, 6, 9));
  EXPECT_EQ(stream.device(), Device::cpu());
}

TEST(SyncStream, mean_divides_by_the_number_of_sources) {
  SyncStream stream;
  std::vector<std::int32_t> x{-7, 8};
  const std::vector<std::int32_t> y{-2, 5};
  stream.enqueue_reduce(std::span(x), std::vector<ConstBufferView>{std::span(x), std::span(y)},
                        ReduceKind::Mean);
  EXPECT_THAT(x, ElementsAre(-4, 6));
  stream.enqueue_reduce(std::span(x), std::vector<ConstBufferView>{std::span(y)}, ReduceKind::Mean);
  EXPECT_THAT(x, ElementsAre(-2, 5));
}

TEST(SyncStream, works_on_the_slots_of_an_arena) {
  MemoryPlan plan;
  const SlotId from = plan.add(DType::f16, {4});
  const SlotId into = plan.add(DType::f16, {4});
  DeviceArena arena(Device::cpu(), plan);
  arena.write(from, std::vector<float>{1, 2, 3, 4});
  SyncStream stream;
  stream.enqueue_copy(arena.view(into), arena.view(from));
  stream.enqueue_reduce(arena.view(into),
                        std::vector<ConstBufferView>{arena.view(into), arena.view(from)},
                        ReduceKind::Product);
  std::vector<float> values(4);
  arena.read(into, values);
  EXPECT_THAT(values, ElementsAre(1, 4, 9, 16));
}

TEST(SyncStream, polls_enqueued_work_until_it_is_done_before_it_returns) {
  SyncStream stream;
  int polls = 0;
  stream.enqueue([&] { return ++polls == 1000; });
  EXPECT_EQ(polls, 1000);
  std::atomic<bool> arrived = false;
  std::thread peer([&] { arrived = true; });
  stream.enqueue([&] { return arrived.load(); });
  EXPECT_TRUE(arrived);
  peer.join();
}

TEST(SyncStream, what_polled_work_throws_comes_out_and_the_stream_goes_on) {
  SyncStream stream;
  EXPECT_THROW(stream.enqueue([]() -> bool { throw std::runtime_error("gone"); }),
               std::runtime_error);
  int polls = 0;
  stream.enqueue([&] { return ++polls == 1; });
  stream.submit_and_wait();
  EXPECT_EQ(polls, 1);
}

TEST(SyncStream, refuses_what_does_not_fit_and_says_both_sides) {
  SyncStream stream;
  std::vector<float> three(3);
  std::vector<float> four(4);
  std::vector<std::int32_t> whole(3);
  EXPECT_THAT(error_of([&] { stream.enqueue_copy(std::span(three), std::span(four)); },
                       ErrorKind::LengthMismatch),
              HasSubstr("3 elements, a source 4"));
  EXPECT_THAT(error_of([&] { stream.enqueue_copy(std::span(three), std::span(whole)); },
                       ErrorKind::InvalidArgument),
              HasSubstr("f32, a source i32"));
  const std::vector<ConstBufferView> none;
  const std::vector<ConstBufferView> nine(9, std::span(three));
  const auto reduce = [&](const std::vector<ConstBufferView>& sources) {
    stream.enqueue_reduce(std::span(three), sources, ReduceKind::Sum);
  };
  EXPECT_THAT(error_of([&] { reduce(none); }, ErrorKind::InvalidArgument), HasSubstr("0 sources"));
  EXPECT_THAT(error_of([&] { reduce(nine); }, ErrorKind::InvalidArgument), HasSubstr("1 to 8"));
  EXPECT_THAT(error_of(
                  [&] {
                    stream.enqueue_reduce(std::span(three),
                                          std::vector<ConstBufferView>(2, std::span(three)),
                                          static_cast<ReduceKind>(9));
                  },
                  ErrorKind::Unsupported),
              HasSubstr("f32"));
}

TEST(SyncStream, refuses_device_memory_that_the_cpu_can_not_reach) {
  SyncStream stream;
  Buffer device = test::fake_buffer(DType::f32, {3});
  std::vector<float> host(3);
  EXPECT_THAT(
      error_of([&] { stream.enqueue_copy(std::span(host), device); }, ErrorKind::Unsupported),
      HasSubstr("to_host()"));
  EXPECT_THAT(
      error_of([&] { stream.enqueue_copy(device, std::span(host)); }, ErrorKind::Unsupported),
      HasSubstr("to_host()"));
}

}  // namespace
}  // namespace rlx
