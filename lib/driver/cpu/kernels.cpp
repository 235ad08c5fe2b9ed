// Compiled once per instruction set: foreach_target.h includes this file again for each.

#include "lib/driver/cpu/kernels.hpp"

#include "lib/base/half.hpp"
#include "lib/driver/cpu/elements.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/driver/cpu/kernels.cpp"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rlx::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A destination equal to a source is no dependence between iterations, which is what ivdep says.
template <class T, class Op>
void pair(void* destination, const void* a, const void* b, std::size_t count) {
  auto* out = static_cast<Loose<T>*>(destination);
  const auto* x = static_cast<const Loose<T>*>(a);
  const auto* y = static_cast<const Loose<T>*>(b);
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) out[i].value = Op::apply(T{x[i].value}, T{y[i].value});
}

template <class T>
void divide(void* destination, const void* source, std::size_t count, std::uint64_t divisor) {
  auto* out = static_cast<Loose<T>*>(destination);
  const auto* in = static_cast<const Loose<T>*>(source);
  const Divider<T> quotient(divisor);
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) out[i].value = quotient(T{in[i].value});
}

template <float (*kWiden)(std::uint16_t) noexcept>
void widen(void* destination, const void* source, std::size_t count) {
  auto* out = static_cast<Loose<float>*>(destination);
  const auto* in = static_cast<const Loose<std::uint16_t>*>(source);
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) out[i].value = kWiden(in[i].value);
}

template <std::uint16_t (*kNarrow)(float) noexcept>
void narrow(void* destination, const void* source, std::size_t count) {
  auto* out = static_cast<Loose<std::uint16_t>*>(destination);
  const auto* in = static_cast<const Loose<float>*>(source);
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) out[i].value = kNarrow(in[i].value);
}

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
// These have conversion instructions, which round as IEEE 754 says. (Highway 1.0.3 is not exact for
// f16 below AVX2, nor for bf16 anywhere.)
void widen_f16(void* destination, const void* source, std::size_t count) {
  const hn::ScalableTag<float> wide;
  const hn::Rebind<hwy::float16_t, decltype(wide)> half;
  auto* out = static_cast<float*>(destination);
  const auto* in = static_cast<const hwy::float16_t*>(source);
  const std::size_t lanes = hn::Lanes(wide);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::PromoteTo(wide, hn::LoadU(half, in + i)), wide, out + i);
  }
  widen<detail::f16_to_f32>(out + i, in + i, count - i);
}

void narrow_f16(void* destination, const void* source, std::size_t count) {
  const hn::ScalableTag<float> wide;
  const hn::Rebind<hwy::float16_t, decltype(wide)> half;
  auto* out = static_cast<hwy::float16_t*>(destination);
  const auto* in = static_cast<const float*>(source);
  const std::size_t lanes = hn::Lanes(wide);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::DemoteTo(half, hn::LoadU(wide, in + i)), half, out + i);
  }
  narrow<detail::f32_to_f16>(out + i, in + i, count - i);
}
#else
constexpr auto widen_f16 = widen<detail::f16_to_f32>;
constexpr auto narrow_f16 = narrow<detail::f32_to_f16>;
#endif

// Sum and Product wrap, so that they are the same loops for signed and unsigned.
template <class T, class Wrapping = T>
void add_type(Kernels& table) {
  const auto dtype = static_cast<std::size_t>(dtype_of<T>);
  table.divide[dtype] = divide<T>;
  table.pair[dtype] = {pair<Wrapping, Sum>, pair<Wrapping, Sum>, pair<T, Max>, pair<T, Min>,
                       pair<Wrapping, Product>};
}

Kernels make_table() {
  Kernels table;
  table.target = hwy::TargetName(HWY_TARGET);
  add_type<std::int8_t, std::uint8_t>(table);
  add_type<std::int16_t, std::uint16_t>(table);
  add_type<std::int32_t, std::uint32_t>(table);
  add_type<std::int64_t, std::uint64_t>(table);
  add_type<std::uint8_t>(table);
  add_type<std::uint16_t>(table);
  add_type<std::uint32_t>(table);
  add_type<std::uint64_t>(table);
  add_type<float>(table);
  add_type<double>(table);
  table.to_f32[static_cast<std::size_t>(DType::f16)] = widen_f16;
  table.from_f32[static_cast<std::size_t>(DType::f16)] = narrow_f16;
  table.to_f32[static_cast<std::size_t>(DType::bf16)] = widen<detail::bf16_to_f32>;
  table.from_f32[static_cast<std::size_t>(DType::bf16)] = narrow<detail::f32_to_bf16>;
  return table;
}

const Kernels* table() {
  static const Kernels instance = make_table();
  return &instance;
}

}  // namespace rlx::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rlx::cpu {

HWY_EXPORT(table);

const Kernels& kernels() noexcept {
  static const Kernels& best = *HWY_DYNAMIC_DISPATCH(table)();
  return best;
}

std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> tables;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    tables.push_back(HWY_DYNAMIC_DISPATCH(table)());
  }
  hwy::SetSupportedTargetsForTest(0);
  return tables;
}

}  // namespace rlx::cpu
#endif
