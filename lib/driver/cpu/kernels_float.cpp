// f32 and f64.

#include "lib/driver/cpu/kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/driver/cpu/kernels_float.cpp"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

#include "lib/driver/cpu/steps-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace rlx::cpu::HWY_NAMESPACE {

template <class T>
void add_float(Kernels& table) {
  auto& kinds = table.step[number(dtype_of<T>)];
  kinds[number(ReduceKind::Sum)] = reduce_step<Native<T>, Sum>;
  kinds[number(ReduceKind::Mean)] = reduce_step<Native<T>, Sum>;
  kinds[number(ReduceKind::Max)] = reduce_step<Native<T>, Max>;
  kinds[number(ReduceKind::Min)] = reduce_step<Native<T>, Min>;
  kinds[number(ReduceKind::Product)] = reduce_step<Native<T>, Product>;
}

void floats(Kernels& table) {
  add_float<float>(table);
  add_float<double>(table);
}

}  // namespace rlx::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rlx::cpu {

HWY_EXPORT(floats);
void add_floats(Kernels& table) { HWY_DYNAMIC_DISPATCH(floats)(table); }

}  // namespace rlx::cpu
#endif
