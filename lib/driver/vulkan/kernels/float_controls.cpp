#include "lib/driver/vulkan/kernels/float_controls.hpp"

#include <algorithm>
#include <initializer_list>

namespace rlx::vulkan {
namespace {

// SPIR-V's numbers.
constexpr std::size_t kHeaderWords = 5;
constexpr std::uint32_t kOpExecutionMode = 16;
constexpr std::uint32_t kOpCapability = 17;
struct Control {
  std::uint32_t capability;
  std::uint32_t mode;
};
constexpr Control kDenormPreserve{4464, 4459};
constexpr Control kSignedZeroInfNanPreserve{4466, 4461};
constexpr Control kRoundingModeRte{4467, 4462};

bool independent(VkShaderFloatControlsIndependence independence, int width) {
  return independence == VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_ALL ||
         (width == 32 && independence == VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_32_BIT_ONLY);
}

// Where the first instruction of this kind begins.
std::size_t find(std::span<const std::uint32_t> module, std::uint32_t instruction) {
  std::size_t at = kHeaderWords;
  while (at < module.size() && (module[at] & 0xffff) != instruction) at += module[at] >> 16;
  return at;
}

}  // namespace

FloatControls float_controls(const VkPhysicalDeviceFloatControlsProperties& device,
                             int width) noexcept {
  const bool wide = width == 64;
  const bool rounds =
      wide ? device.shaderRoundingModeRTEFloat64 != 0 : device.shaderRoundingModeRTEFloat32 != 0;
  const bool specials = wide ? device.shaderSignedZeroInfNanPreserveFloat64 != 0
                             : device.shaderSignedZeroInfNanPreserveFloat32 != 0;
  const bool denormals =
      wide ? device.shaderDenormPreserveFloat64 != 0 : device.shaderDenormPreserveFloat32 != 0;
  return {.exact = rounds && specials && independent(device.roundingModeIndependence, width),
          .keeps_denormals = denormals && independent(device.denormBehaviorIndependence, width)};
}

std::vector<std::uint32_t> with_float_controls(std::span<const std::uint32_t> module,
                                               const FloatControls& controls, int width) {
  std::vector<Control> wanted;
  if (controls.exact) wanted.insert(wanted.end(), {kSignedZeroInfNanPreserve, kRoundingModeRte});
  if (controls.keeps_denormals) wanted.push_back(kDenormPreserve);
  // Modes follow the entry points; the module has its workgroup's size there, of the same entry
  // point.
  const std::size_t modes = find(module, kOpExecutionMode);
  const std::uint32_t entry_point = module[modes + 1];
  std::vector<std::uint32_t> result(module.begin(), module.begin() + kHeaderWords);
  for (const Control& control : wanted) {
    result.insert(result.end(), {2U << 16 | kOpCapability, control.capability});
  }
  result.insert(result.end(), module.begin() + kHeaderWords,
                module.begin() + static_cast<std::ptrdiff_t>(modes));
  for (const Control& control : wanted) {
    result.insert(result.end(), {4U << 16 | kOpExecutionMode, entry_point, control.mode,
                                 static_cast<std::uint32_t>(width)});
  }
  result.insert(result.end(), module.begin() + static_cast<std::ptrdiff_t>(modes), module.end());
  return result;
}

}  // namespace rlx::vulkan
