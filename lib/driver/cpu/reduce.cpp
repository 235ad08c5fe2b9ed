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

// Two ranks, f32, us with vectors of 64 and of 32 bytes: 1 KiB 0.31 / 0.30 (the first 150 calls 1.0
// / 0.3), 16 KiB 1.31 / 1.30, 64 KiB 2.9 / 3.6.
StepKernel step_kernel(DType dtype, ReduceKind kind, std::size_t bytes) noexcept {
  constexpr std::size_t kLight = std::size_t{16} << 10;
  const cpu::Kernels& kernels = bytes <= kLight ? cpu::light_kernels() : cpu::kernels();
  return kernels.step[cpu::number(dtype)][cpu::number(kind)];
}

}  // namespace rlx
