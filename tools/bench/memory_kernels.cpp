// Compiled once per instruction set: foreach_target.h includes this file again for each.

#include "tools/bench/memory_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tools/bench/memory_kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rlx::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::CappedTag<float, kMemoryUnit / 4 / sizeof(float)>;
using Vector = hn::Vec<Tag>;

// Four vectors at a time: enough to keep a core's loads and stores busy.
constexpr std::size_t kUnroll = 4;

const float* floats(const std::byte* bytes) { return reinterpret_cast<const float*>(bytes); }

template <Stores stores>
void put(Vector value, float* to) {
  if constexpr (stores == Stores::stream) {
    hn::Stream(value, Tag(), to);
  } else {
    hn::Store(value, Tag(), to);
  }
}

/// out[i] = value(i), vector by vector.
template <Stores stores, class Value>
void produce(const MemoryArrays& arrays, Value&& value) {
  const std::size_t lanes = hn::Lanes(Tag());
  auto* out = reinterpret_cast<float*>(arrays.out);
  const std::size_t count = arrays.bytes / sizeof(float);
  for (std::size_t i = 0; i < count; i += kUnroll * lanes) {
    const Vector v0 = value(i), v1 = value(i + lanes);
    const Vector v2 = value(i + 2 * lanes), v3 = value(i + 3 * lanes);
    put<stores>(v0, out + i);
    put<stores>(v1, out + i + lanes);
    put<stores>(v2, out + i + 2 * lanes);
    put<stores>(v3, out + i + 3 * lanes);
  }
  if constexpr (stores == Stores::stream) hwy::FlushStream();
}

void read(const MemoryArrays& arrays) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  const float* a = floats(arrays.a);
  Vector s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  for (std::size_t i = 0; i < arrays.bytes / sizeof(float); i += kUnroll * lanes) {
    s0 = hn::Add(s0, hn::Load(d, a + i));
    s1 = hn::Add(s1, hn::Load(d, a + i + lanes));
    s2 = hn::Add(s2, hn::Load(d, a + i + 2 * lanes));
    s3 = hn::Add(s3, hn::Load(d, a + i + 3 * lanes));
  }
  // Used as far as the compiler can tell, so that the loads stay.
  alignas(64) float sum[hn::MaxLanes(Tag())];
  hn::Store(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), d, sum);
  asm volatile("" : : "r"(&sum[0]) : "memory");
}

template <Stores stores>
void write(const MemoryArrays& arrays) {
  const Vector value = hn::Set(Tag(), kWritten);
  produce<stores>(arrays, [value](std::size_t) { return value; });
}

template <Stores stores>
void copy(const MemoryArrays& arrays) {
  const float* a = floats(arrays.a);
  produce<stores>(arrays, [a](std::size_t i) { return hn::Load(Tag(), a + i); });
}

template <Stores stores>
void add(const MemoryArrays& arrays) {
  const float* a = floats(arrays.a);
  const float* b = floats(arrays.b);
  produce<stores>(arrays, [a, b](std::size_t i) {
    return hn::Add(hn::Load(Tag(), a + i), hn::Load(Tag(), b + i));
  });
}

MemoryFunction function(MemoryKernel kernel, Stores stores) {
  const bool stream = stores == Stores::stream;
  switch (kernel) {
    case MemoryKernel::write:
      return stream ? write<Stores::stream> : write<Stores::plain>;
    case MemoryKernel::copy:
      return stream ? copy<Stores::stream> : copy<Stores::plain>;
    case MemoryKernel::add:
      return stream ? add<Stores::stream> : add<Stores::plain>;
    case MemoryKernel::read:
      break;
  }
  return read;
}

std::int64_t target() { return HWY_TARGET; }

}  // namespace rlx::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace rlx::bench {

HWY_EXPORT(function);
HWY_EXPORT(target);

MemoryFunction memory_function(MemoryKernel kernel, Stores stores) {
  return HWY_DYNAMIC_DISPATCH(function)(kernel, stores);
}

std::string memory_instruction_set() { return hwy::TargetName(HWY_DYNAMIC_DISPATCH(target)()); }

std::string_view to_string(MemoryKernel kernel) {
  constexpr std::string_view kNames[] = {"read", "write", "copy", "add"};
  return kNames[static_cast<std::size_t>(kernel)];
}

std::string_view to_string(Stores stores) {
  constexpr std::string_view kNames[] = {"none", "plain", "stream"};
  return kNames[static_cast<std::size_t>(stores)];
}

}  // namespace rlx::bench

#endif  // HWY_ONCE
