#include "lib/driver/vulkan/kernels/pipelines.hpp"

#include <cstddef>
#include <vector>

#include "lib/driver/vulkan/kernels/float_controls.hpp"
#include "lib/driver/vulkan/kernels/work.hpp"

namespace rlx::vulkan {
namespace {

// The constants by their constant_id in reduce.comp.
struct Constants {
  std::uint32_t operation;
  VkBool32 keeps_denormals;
};
constexpr std::uint32_t kAnyOperation = 255;
constexpr VkSpecializationMapEntry kEntries[] = {
    {0, offsetof(Constants, operation), sizeof(std::uint32_t)},
    {1, offsetof(Constants, keeps_denormals), sizeof(VkBool32)}};

// A pipeline keeps what it needs of its module.
class Module {
 public:
  Module(const KernelDevice& device, const std::vector<std::uint32_t>& code) : device_(device) {
    const VkShaderModuleCreateInfo info{.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                        .codeSize = code.size() * sizeof(std::uint32_t),
                                        .pCode = code.data()};
    check(device.functions->vkCreateShaderModule(device.handle, &info, nullptr, &handle_),
          "vkCreateShaderModule");
  }
  ~Module() { device_.functions->vkDestroyShaderModule(device_.handle, handle_, nullptr); }
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  [[nodiscard]] VkShaderModule handle() const noexcept { return handle_; }

 private:
  const KernelDevice& device_;
  VkShaderModule handle_ = VK_NULL_HANDLE;
};

}  // namespace

Pipelines::Pipelines(const KernelDevice& device) : device_(device) {
  const VkPushConstantRange constants{VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(PushConstants)};
  const VkPipelineLayoutCreateInfo info{.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                        .pushConstantRangeCount = 1,
                                        .pPushConstantRanges = &constants};
  check(device.functions->vkCreatePipelineLayout(device.handle, &info, nullptr, &layout_),
        "vkCreatePipelineLayout");
}

Pipelines::~Pipelines() {
  const DeviceFunctions& vk = *device_.functions;
  for (const auto& operations : vector_) {
    for (VkPipeline pipeline : operations) {
      vk.vkDestroyPipeline(device_.handle, pipeline, nullptr);
    }
  }
  for (VkPipeline pipeline : any_) vk.vkDestroyPipeline(device_.handle, pipeline, nullptr);
  vk.vkDestroyPipelineLayout(device_.handle, layout_, nullptr);
}

VkPipeline Pipelines::vector(ShaderType type, Operation operation) {
  const auto index = static_cast<std::size_t>(operation);
  VkPipeline& pipeline = vector_[static_cast<std::size_t>(type)][index];
  if (pipeline == VK_NULL_HANDLE) pipeline = make(type, true, static_cast<std::uint32_t>(index));
  return pipeline;
}

VkPipeline Pipelines::any(ShaderType type) {
  VkPipeline& pipeline = any_[static_cast<std::size_t>(type)];
  if (pipeline == VK_NULL_HANDLE) pipeline = make(type, false, kAnyOperation);
  return pipeline;
}

VkPipeline Pipelines::make(ShaderType type, bool vector, std::uint32_t operation) const {
  const int width = float_width(type);
  const FloatControls controls =
      width == 0 ? FloatControls{} : float_controls(device_.float_controls, width);
  const Module module(device_, with_float_controls(shader(type, vector), controls, width));
  const Constants constants{operation, controls.keeps_denormals ? VK_TRUE : VK_FALSE};
  const VkSpecializationInfo special{2, kEntries, sizeof constants, &constants};
  const VkComputePipelineCreateInfo info{
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module.handle(),
                .pName = "main",
                .pSpecializationInfo = &special},
      .layout = layout_};
  VkPipeline pipeline = VK_NULL_HANDLE;
  check(device_.functions->vkCreateComputePipelines(device_.handle, device_.pipeline_cache, 1,
                                                    &info, nullptr, &pipeline),
        "vkCreateComputePipelines");
  return pipeline;
}

}  // namespace rlx::vulkan
