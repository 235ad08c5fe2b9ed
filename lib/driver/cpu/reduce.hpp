#pragma once
// Copies and reductions on the CPU, and the conversions of arenas.

#include <cstddef>

#include "lib/driver/compute.hpp"

namespace rlx::cpu {

/// Runs the step to its end. Any alignment. Throws nothing, allocates nothing.
void run(const ComputeStep& step) noexcept;

/// Floats of up to 32 bits to f32 and back, rounding to nearest even; any alignment.
void to_f32(float* destination, const std::byte* source, std::size_t count, DType dtype) noexcept;
void from_f32(std::byte* destination, const float* source, std::size_t count, DType dtype) noexcept;

}  // namespace rlx::cpu
