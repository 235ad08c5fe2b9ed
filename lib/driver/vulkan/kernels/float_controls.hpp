#pragma once
// What a device must promise of floating point, and how a module asks for it.

#include <cstdint>
#include <span>
#include <vector>

#include "lib/driver/vulkan/functions.hpp"

namespace rlx::vulkan {

/// The promises that are asked of one width's arithmetic.
struct FloatControls {
  bool exact = false;  ///< to nearest even, with signed zeros, infinities and NaNs
  bool keeps_denormals = false;
};

/// What the device promises for a width of 32 or 64 bits, no other width being asked for anything.
[[nodiscard]] FloatControls float_controls(const VkPhysicalDeviceFloatControlsProperties& device,
                                           int width) noexcept;

/// The module (SPIR-V 1.4 or later, one entry point) with the execution modes of these controls.
[[nodiscard]] std::vector<std::uint32_t> with_float_controls(std::span<const std::uint32_t> module,
                                                             const FloatControls& controls,
                                                             int width);

}  // namespace rlx::vulkan
