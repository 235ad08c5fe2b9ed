// f16 and bf16.

#include "lib/base/half.hpp"
#include "lib/driver/cpu/kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/driver/cpu/kernels_half.cpp"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

#include "lib/driver/cpu/low_precision-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace rlx::cpu::HWY_NAMESPACE {

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
  convert<float, std::uint16_t, detail::f16_to_f32>(out + i, in + i, count - i);
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
  convert<std::uint16_t, float, detail::f32_to_f16>(out + i, in + i, count - i);
}
#else
constexpr auto widen_f16 = convert<float, std::uint16_t, detail::f16_to_f32>;
constexpr auto narrow_f16 = convert<std::uint16_t, float, detail::f32_to_f16>;
#endif

void halves(Kernels& table) {
  add_low_precision<Words<F16>, std::int16_t, 0x7fff - 0x7c00>(table, DType::f16);
  add_low_precision<Words<Bf16>, std::int16_t, 0x7fff - 0x7f80>(table, DType::bf16);
  table.to_f32[number(DType::f16)] = widen_f16;
  table.from_f32[number(DType::f16)] = narrow_f16;
  table.to_f32[number(DType::bf16)] = convert<float, std::uint16_t, detail::bf16_to_f32>;
  table.from_f32[number(DType::bf16)] = convert<std::uint16_t, float, detail::f32_to_bf16>;
}

}  // namespace rlx::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rlx::cpu {

HWY_EXPORT(halves);
void add_halves(Kernels& table) { HWY_DYNAMIC_DISPATCH(halves)(table); }

}  // namespace rlx::cpu
#endif
