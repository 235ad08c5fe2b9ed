#pragma once
// The SPIR-V of the kernels, as compiled from shaders/.

#include <cstddef>
#include <cstdint>
#include <span>

namespace rlx::vulkan {

/// What a module computes in; dtypes that differ in less share one. The order of shaders.cpp.
enum class ShaderType : std::uint8_t { u8, u16, u32, u64, f16, bf16, f32, f64, f8e4m3, f8e5m2 };
inline constexpr std::size_t kShaderTypes = 10;

/// As in reduce.comp. Means are sums that divide, Max and Min extremes of other keys; And, Or and
/// Xor are u32's only.
enum class Operation : std::uint8_t { Sum, Product, Extreme, And, Or, Xor };
inline constexpr std::size_t kOperations = 6;

/// Invocations of a workgroup.
inline constexpr std::uint32_t kGroupSize = 256;

/// `vector`: whole workgroups of vectors at addresses that are multiples of 16. Else any address
/// and number of bytes, and the operation is a push constant.
[[nodiscard]] std::span<const std::uint32_t> shader(ShaderType type, bool vector) noexcept;

/// Bytes of every operand that one workgroup covers.
[[nodiscard]] std::uint32_t group_bytes(ShaderType type, bool vector) noexcept;

/// Bytes of an element, by which operands have to be aligned for vectors.
[[nodiscard]] std::uint32_t element_bytes(ShaderType type) noexcept;

/// Whether it computes in f32 or f64: 32, 64, or 0 if not.
[[nodiscard]] int float_width(ShaderType type) noexcept;

}  // namespace rlx::vulkan
