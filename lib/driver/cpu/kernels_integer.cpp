// Integers, and copies of everything. Sum, Product, And, Or and Xor are the same for signed and
// unsigned, and the last three for all widths.

#include <cstring>

#include "lib/driver/cpu/divider.hpp"
#include "lib/driver/cpu/kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/driver/cpu/kernels_integer.cpp"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

#include "lib/driver/cpu/steps-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace rlx::cpu::HWY_NAMESPACE {

template <class T>
void divide_block(std::byte* block, std::size_t bytes, std::uint64_t divisor) {
  const Divider<T> quotient(divisor);
  T* const values = reinterpret_cast<T*>(block);
  for (std::size_t i = 0; i < bytes / sizeof(T); ++i) values[i] = quotient(values[i]);
}

template <class T>
void mean_step(const ComputeStep& step) noexcept {
  using Wrapping = Native<std::make_unsigned_t<T>>;
  if (step.divisor == 0) return reduce_step<Wrapping, Sum>(step);
  any_step(step, fold<Wrapping, Sum>, divide_block<T>);
}

template <class T>
void add_integer(Kernels& table) {
  using Wrapping = Native<std::make_unsigned_t<T>>;
  using Bits = Native<std::uint8_t>;
  table.step[number(dtype_of<T>)] = {reduce_step<Wrapping, Sum>,     mean_step<T>,
                                     reduce_step<Native<T>, Max>,    reduce_step<Native<T>, Min>,
                                     reduce_step<Wrapping, Product>, reduce_step<Bits, And>,
                                     reduce_step<Bits, Or>,          reduce_step<Bits, Xor>};
}

void add(Kernels& table) {
  table.target = hwy::TargetName(HWY_TARGET);
  for (auto& kinds : table.step) kinds.fill(copy_step);
  add_integer<std::int8_t>(table);
  add_integer<std::int16_t>(table);
  add_integer<std::int32_t>(table);
  add_integer<std::int64_t>(table);
  add_integer<std::uint8_t>(table);
  add_integer<std::uint16_t>(table);
  add_integer<std::uint32_t>(table);
  add_integer<std::uint64_t>(table);
}

}  // namespace rlx::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rlx::cpu {

HWY_EXPORT(add);
void add_integers(Kernels& table) { HWY_DYNAMIC_DISPATCH(add)(table); }

}  // namespace rlx::cpu
#endif
