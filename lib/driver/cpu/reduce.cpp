#include "lib/driver/cpu/reduce.hpp"

#include <cstring>

#include "lib/driver/cpu/kernels.hpp"

namespace rlx {
namespace cpu {

namespace {

// Here, so that no call through the library's table of symbols is on the way to a kernel.
const Kernels& best() noexcept {
  static const Kernels& table = kernels();
  return table;
}

}  // namespace

void run(const ComputeStep& step) noexcept {
  best().step[number(step.dtype)][number(step.kind)](step);
}

void to_f32(float* destination, const std::byte* source, std::size_t count, DType dtype) noexcept {
  if (const ConvertKernel convert = best().to_f32[number(dtype)]) {
    convert(destination, source, count);
  } else if (count != 0) {
    std::memcpy(destination, source, count * sizeof(float));
  }
}

void from_f32(std::byte* destination, const float* source, std::size_t count,
              DType dtype) noexcept {
  if (const ConvertKernel convert = best().from_f32[number(dtype)]) {
    convert(destination, source, count);
  } else if (count != 0) {
    std::memcpy(destination, source, count * sizeof(float));
  }
}

}  // namespace cpu

StepKernel step_kernel(DType dtype, ReduceKind kind) noexcept {
  return cpu::kernels().step[cpu::number(dtype)][cpu::number(kind)];
}

}  // namespace rlx
