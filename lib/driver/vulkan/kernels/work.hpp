#pragma once
// A pass as the shaders see it: the module's type, the operation, bytes and push constants.

#include <array>
#include <cstdint>

#include "lib/driver/vulkan/kernels/kernels.hpp"
#include "lib/driver/vulkan/kernels/shaders.hpp"

namespace rlx::vulkan {

/// Laid out as in shaders/reduce.comp.
struct PushConstants {
  static constexpr std::size_t kSources = 8;
  static constexpr std::size_t kDestinations = 3;
  // Beside the operation in `flags`.
  static constexpr std::uint32_t kDivides = 1U << 8;
  static constexpr std::uint32_t kSigned = 1U << 9;
  static constexpr std::uint32_t kTable = 1U << 10;
  static constexpr std::uint32_t kWords = 1U << 11;

  std::array<std::uint64_t, kSources> sources{};
  std::array<std::uint64_t, kDestinations> destinations{};
  std::uint64_t divisor = 0;
  std::uint64_t constant = 0;
  std::uint64_t bias = 0;
  std::uint32_t bytes = 0;
  std::uint32_t operands = 0;
  std::uint32_t flags = 0;
  std::uint32_t exponent = 0;
};
static_assert(sizeof(PushConstants) == 128, "what every device allows");

struct Work {
  ShaderType type = ShaderType::u32;
  Operation operation = Operation::Xor;
  std::uint32_t granule = 1;  ///< a unit may begin at multiples of it
  std::uint64_t bytes = 0;    ///< of each operand
  PushConstants constants;    ///< but for addresses, and the bytes of a dispatch
};

/// The module for a dtype and kind.
[[nodiscard]] ShaderType shader_type(DType dtype, ReduceKind kind) noexcept;
[[nodiscard]] Operation operation_of(ReduceKind kind) noexcept;

[[nodiscard]] Work work_of(const Pass& pass);

}  // namespace rlx::vulkan
