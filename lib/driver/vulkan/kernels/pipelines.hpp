#pragma once
// The compute pipelines of one device, made when first needed.

#include <array>
#include <cstdint>

#include "lib/driver/vulkan/kernels/kernel_device.hpp"
#include "lib/driver/vulkan/kernels/shaders.hpp"

namespace rlx::vulkan {

class Pipelines {
 public:
  explicit Pipelines(const KernelDevice& device);
  ~Pipelines();
  Pipelines(const Pipelines&) = delete;
  Pipelines& operator=(const Pipelines&) = delete;

  [[nodiscard]] VkPipelineLayout layout() const noexcept { return layout_; }
  /// Vectors in whole workgroups, by one operation.
  [[nodiscard]] VkPipeline vector(ShaderType type, Operation operation);
  /// Any address and count, by the operation of the push constants.
  [[nodiscard]] VkPipeline any(ShaderType type);

 private:
  VkPipeline make(ShaderType type, bool vector, std::uint32_t operation) const;

  const KernelDevice& device_;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  std::array<std::array<VkPipeline, kOperations>, kShaderTypes> vector_{};
  std::array<VkPipeline, kShaderTypes> any_{};
};

}  // namespace rlx::vulkan
