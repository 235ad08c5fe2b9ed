#include "rlx/device_arena.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "rlx/error.hpp"
#include "tests/driver/fake_memory.hpp"

namespace rlx {
namespace {

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

TEST(MemoryPlan, lays_slots_out_on_whole_lines) {
  MemoryPlan plan;
  const SlotId a = plan.add(DType::f32, {3});
  const SlotId b = plan.add(DType::f16, {0});
  const SlotId c = plan.add(DType::f64, {9});
  EXPECT_EQ(plan.slot(a).offset, 0U);
  EXPECT_EQ(plan.slot(b).offset, 64U);
  EXPECT_EQ(plan.slot(c).offset, 64U);
  EXPECT_EQ(plan.slot(c).bytes, 72U);
  EXPECT_EQ(plan.capacity(), 192U);
  EXPECT_EQ(plan.size(), 3U);
  EXPECT_EQ(kind_of([&] { (void)plan.slot(SlotId{3}); }), ErrorKind::OutOfBounds);
}

TEST(MemoryPlan, places_slots_where_a_planner_wants_them) {
  MemoryPlan plan;
  (void)plan.add_at(128, DType::u8, {10});
  const SlotId shared = plan.add_at(128, DType::f32, {40});
  EXPECT_EQ(plan.slot(shared).offset, 128U);
  EXPECT_EQ(plan.capacity(), 320U);
  EXPECT_EQ(plan.slot(plan.add(DType::u8, {1})).offset, 320U);
  EXPECT_EQ(kind_of([&] { plan.add_at(32, DType::u8, {1}); }), ErrorKind::InvalidArgument);
  EXPECT_EQ(kind_of([&] { plan.add_at(~std::size_t{63}, DType::u8, {64}); }),
            ErrorKind::InvalidArgument);
  EXPECT_EQ(kind_of([&] { plan.add(DType::f64, {~std::size_t{0}}); }), ErrorKind::InvalidArgument);
}

// Slots of the convertible dtypes and one that is not.
struct Planned {
  MemoryPlan plan;
  SlotId f32 = plan.add(DType::f32, {5});
  SlotId f16 = plan.add(DType::f16, {5});
  SlotId bf16 = plan.add(DType::bf16, {5});
  SlotId i32 = plan.add(DType::i32, {5});
  SlotId e4m3 = plan.add(DType::f8e4m3, {5});
  SlotId e5m2 = plan.add(DType::f8e5m2, {5});
};

const std::vector<float> kValues{1.0F, -0.0F, 3.14159265F, 65520.0F, 1e-7F};

void expect_conversions(DeviceArena& arena, const Planned& planned) {
  for (const SlotId slot : {planned.f32, planned.f16, planned.bf16, planned.e4m3, planned.e5m2}) {
    arena.write(slot, kValues);
  }
  std::vector<float> f32(5);
  std::vector<float> f16(5);
  std::vector<float> bf16(5);
  std::vector<float> e4m3(5);
  std::vector<float> e5m2(5);
  arena.read(planned.f32, f32);
  arena.read(planned.f16, f16);
  arena.read(planned.bf16, bf16);
  arena.read(planned.e4m3, e4m3);
  arena.read(planned.e5m2, e5m2);
  EXPECT_EQ(f32, kValues);
  for (std::size_t i = 0; i < kValues.size(); ++i) {
    EXPECT_EQ(f16[i], static_cast<float>(float16(kValues[i])));
    EXPECT_EQ(bf16[i], static_cast<float>(bfloat16(kValues[i])));
    EXPECT_EQ(e4m3[i], static_cast<float>(float8_e4m3(kValues[i])));
    EXPECT_EQ(e5m2[i], static_cast<float>(float8_e5m2(kValues[i])));
  }
  EXPECT_TRUE(std::signbit(f16[1]) && std::signbit(bf16[1]));
  EXPECT_TRUE(std::isinf(f16[3]));
}

TEST(DeviceArena, converts_f32_to_and_from_its_slots) {
  const Planned planned;
  DeviceArena arena(Device::cpu(), planned.plan);
  EXPECT_EQ(arena.capacity(), 384U);
  EXPECT_EQ(arena.offset(planned.bf16), 128U);
  expect_conversions(arena, planned);
  EXPECT_EQ(arena.span<float16>(planned.f16)[0], float16(1.0F));
  EXPECT_EQ(arena.view(planned.f16).host_data(), arena.bytes(planned.f16).data());
}

TEST(DeviceArena, sits_on_memory_of_someone_else) {
  const Planned planned;
  Buffer heap(Device::cpu(), DType::u8, {1024});
  DeviceArena arena(planned.plan, heap.host_bytes().subspan(512));
  expect_conversions(arena, planned);
  EXPECT_EQ(arena.bytes(planned.f16).data(), heap.host_bytes().data() + 512 + 64);
  arena.span<std::int32_t>(planned.i32)[4] = -9;
  std::int32_t seen = 0;
  std::memcpy(&seen, heap.host_bytes().data() + 512 + 192 + 16, sizeof seen);
  EXPECT_EQ(seen, -9);
  for (std::size_t i = 0; i < 512; ++i) ASSERT_EQ(heap.host_bytes()[i], std::byte{0});
  EXPECT_EQ(kind_of([&] { DeviceArena(planned.plan, heap.host_bytes().subspan(704)); }),
            ErrorKind::OutOfMemory);
  EXPECT_EQ(kind_of([&] { DeviceArena(planned.plan, heap.host_bytes().subspan(8)); }),
            ErrorKind::InvalidArgument);
}

TEST(DeviceArena, converts_on_a_device_that_the_cpu_can_not_reach) {
  const Planned planned;
  DeviceArena arena(planned.plan, test::fake_buffer(DType::u8, {384}));
  EXPECT_EQ(arena.device(), Device::vulkan(0));
  expect_conversions(arena, planned);
  EXPECT_EQ(kind_of([&] { (void)arena.bytes(planned.f32); }), ErrorKind::Unsupported);
  EXPECT_EQ(arena.view(planned.bf16).offset(), 128U);
  EXPECT_EQ(arena.view(planned.bf16).host_data(), nullptr);
  EXPECT_EQ(kind_of([&] { DeviceArena(planned.plan, test::fake_buffer(DType::u8, {383})); }),
            ErrorKind::OutOfMemory);
}

TEST(DeviceArena, refuses_other_dtypes_lengths_and_slots) {
  const Planned planned;
  DeviceArena arena(Device::cpu(), planned.plan);
  std::vector<float> values(5);
  EXPECT_EQ(kind_of([&] { arena.write(planned.i32, values); }), ErrorKind::Unsupported);
  EXPECT_EQ(kind_of([&] { arena.read(planned.i32, values); }), ErrorKind::Unsupported);
  EXPECT_EQ(kind_of([&] { arena.write(planned.f32, std::span(values).first(4)); }),
            ErrorKind::LengthMismatch);
  EXPECT_EQ(kind_of([&] { arena.read(SlotId{6}, values); }), ErrorKind::OutOfBounds);
  EXPECT_EQ(kind_of([&] { (void)arena.span<double>(planned.f32); }), ErrorKind::InvalidArgument);
}

TEST(DeviceArena, an_empty_plan_needs_nothing) {
  MemoryPlan plan;
  const SlotId empty = plan.add(DType::f32, {0});
  DeviceArena arena(plan, std::span<std::byte>{});
  EXPECT_EQ(arena.capacity(), 0U);
  EXPECT_TRUE(arena.bytes(empty).empty());
  arena.write(empty, {});
}

}  // namespace
}  // namespace rlx
