#include "lib/driver/vulkan/kernels/shaders.hpp"

#include <array>

namespace rlx::vulkan {
namespace {

// Generated in the build tree: an array each.
#include <lib/driver/vulkan/kernels/reduce_bf16_any.h>
#include <lib/driver/vulkan/kernels/reduce_bf16_vector.h>
#include <lib/driver/vulkan/kernels/reduce_f16_any.h>
#include <lib/driver/vulkan/kernels/reduce_f16_vector.h>
#include <lib/driver/vulkan/kernels/reduce_f32_any.h>
#include <lib/driver/vulkan/kernels/reduce_f32_vector.h>
#include <lib/driver/vulkan/kernels/reduce_f64_any.h>
#include <lib/driver/vulkan/kernels/reduce_f64_vector.h>
#include <lib/driver/vulkan/kernels/reduce_f8e4m3_any.h>
#include <lib/driver/vulkan/kernels/reduce_f8e4m3_vector.h>
#include <lib/driver/vulkan/kernels/reduce_f8e5m2_any.h>
#include <lib/driver/vulkan/kernels/reduce_f8e5m2_vector.h>
#include <lib/driver/vulkan/kernels/reduce_u16_any.h>
#include <lib/driver/vulkan/kernels/reduce_u16_vector.h>
#include <lib/driver/vulkan/kernels/reduce_u32_any.h>
#include <lib/driver/vulkan/kernels/reduce_u32_vector.h>
#include <lib/driver/vulkan/kernels/reduce_u64_any.h>
#include <lib/driver/vulkan/kernels/reduce_u64_vector.h>
#include <lib/driver/vulkan/kernels/reduce_u8_any.h>
#include <lib/driver/vulkan/kernels/reduce_u8_vector.h>

struct Modules {
  std::span<const std::uint32_t> any;
  std::span<const std::uint32_t> vector;
  std::uint32_t element_bytes;
  int float_width;
};

constexpr std::array<Modules, kShaderTypes> kModules = {{
    {reduce_u8_any, reduce_u8_vector, 1, 0},
    {reduce_u16_any, reduce_u16_vector, 2, 0},
    {reduce_u32_any, reduce_u32_vector, 4, 0},
    {reduce_u64_any, reduce_u64_vector, 8, 0},
    {reduce_f16_any, reduce_f16_vector, 2, 32},
    {reduce_bf16_any, reduce_bf16_vector, 2, 32},
    {reduce_f32_any, reduce_f32_vector, 4, 32},
    {reduce_f64_any, reduce_f64_vector, 8, 64},
    {reduce_f8e4m3_any, reduce_f8e4m3_vector, 1, 32},
    {reduce_f8e5m2_any, reduce_f8e5m2_vector, 1, 32},
}};

const Modules& modules(ShaderType type) { return kModules[static_cast<std::size_t>(type)]; }

}  // namespace

std::span<const std::uint32_t> shader(ShaderType type, bool vector) noexcept {
  return vector ? modules(type).vector : modules(type).any;
}

// As WORDS and UNITS in shaders/types.glsl.
std::uint32_t group_bytes(ShaderType type, bool vector) noexcept {
  const std::uint32_t bytes = modules(type).element_bytes;
  const std::uint32_t words = vector ? 4 : bytes == 8 ? 2 : 1;
  const std::uint32_t units = vector && bytes < 4 ? bytes : 4;
  return kGroupSize * units * words * 4;
}

std::uint32_t element_bytes(ShaderType type) noexcept { return modules(type).element_bytes; }

int float_width(ShaderType type) noexcept { return modules(type).float_width; }

}  // namespace rlx::vulkan
