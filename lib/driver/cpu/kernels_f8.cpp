// The 8-bit floats.

#include "lib/base/half.hpp"
#include "lib/driver/cpu/kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/driver/cpu/kernels_f8.cpp"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

#include "lib/driver/cpu/low_precision-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace rlx::cpu::HWY_NAMESPACE {

template <detail::SmallFloat kFormat, int kNaNs>
void add_eight(Kernels& table, DType dtype) {
  add_low_precision<Words<Small<kFormat>>, std::int8_t, kNaNs>(table, dtype);
  table.to_f32[number(dtype)] = convert<float, std::uint8_t, detail::f8_to_f32<kFormat>>;
  table.from_f32[number(dtype)] = convert<std::uint8_t, float, detail::f32_to_f8<kFormat>>;
}

void eights(Kernels& table) {
  add_eight<detail::kF8E4M3, 0x7f - 0x7e>(table, DType::f8e4m3);
  add_eight<detail::kF8E5M2, 0x7f - 0x7c>(table, DType::f8e5m2);
}

}  // namespace rlx::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rlx::cpu {

HWY_EXPORT(eights);
void add_eights(Kernels& table) { HWY_DYNAMIC_DISPATCH(eights)(table); }

}  // namespace rlx::cpu
#endif
