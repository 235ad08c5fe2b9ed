// What the groups of low-precision types have in common. Included once per instruction set.

#if defined(RLX_LOW_PRECISION_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef RLX_LOW_PRECISION_INL_HPP
#undef RLX_LOW_PRECISION_INL_HPP
#else
#define RLX_LOW_PRECISION_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lib/driver/cpu/steps-inl.hpp"
#include "lib/driver/cpu/words-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace rlx::cpu::HWY_NAMESPACE {

/// Elements one by one at any address. The conversions have no branch and so these loops vectorise.
template <class To, class From, To (*kConvert)(From) noexcept>
void convert(void* destination, const void* source, std::size_t count) {
  auto* out = static_cast<std::byte*>(destination);
  const auto* in = static_cast<const std::byte*>(source);
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) {
    From value;
    std::memcpy(&value, in + i * sizeof value, sizeof value);
    const To converted = kConvert(value);
    std::memcpy(out + i * sizeof converted, &converted, sizeof converted);
  }
}

/// Sum, Product and Mean by the codec; Max and Min on integers of the dtype's width, of whose
/// values kNaNs are NaNs of one sign.
template <class Codec, class Integer, int kNaNs>
void add_low_precision(Kernels& table, DType dtype) {
  auto& kinds = table.step[number(dtype)];
  kinds[number(ReduceKind::Sum)] = reduce_step<Codec, Sum>;
  kinds[number(ReduceKind::Mean)] = reduce_step<Codec, Sum>;
  kinds[number(ReduceKind::Max)] = reduce_step<Ordered<Integer, kNaNs>, Max>;
  kinds[number(ReduceKind::Min)] = reduce_step<Ordered<Integer, -kNaNs>, Min>;
  kinds[number(ReduceKind::Product)] = reduce_step<Codec, Product>;
}

}  // namespace rlx::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
