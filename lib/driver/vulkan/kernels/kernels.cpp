#include "lib/driver/vulkan/kernels/kernels.hpp"

#include <algorithm>

#include "lib/driver/vulkan/kernels/address_table.hpp"
#include "lib/driver/vulkan/kernels/float_controls.hpp"
#include "lib/driver/vulkan/kernels/pipelines.hpp"
#include "lib/driver/vulkan/kernels/work.hpp"

namespace rlx::vulkan {
namespace {

constexpr std::uint64_t kVectorBytes = 16;
// So that the bytes of a dispatch fit a word.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;

// Bits that are not the same in all addresses, and the address's own last ones.
struct Alignment {
  std::uint64_t different = 0;
  std::uint64_t address = 0;
};

Alignment alignment_of(const Pass& pass) {
  Alignment alignment{.address = pass.destinations[0]};
  for (const auto operands : {pass.sources, pass.destinations}) {
    for (const VkDeviceAddress address : operands) {
      alignment.different |= address ^ alignment.address;
    }
  }
  return alignment;
}

/// Where vectors begin and end within the operands; nowhere if both are 0.
struct Body {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Body body_of(const Work& work, const Alignment& alignment) {
  if (alignment.different % kVectorBytes != 0) return {};
  const std::uint64_t head = (~alignment.address + 1) % kVectorBytes;
  if (head % work.granule != 0 || head >= work.bytes) return {};
  const std::uint64_t group = group_bytes(work.type, true);
  const std::uint64_t bytes = (work.bytes - head) / group * group;
  return bytes == 0 ? Body{} : Body{head, head + bytes};
}

}  // namespace

struct Kernels::State {
  explicit State(const KernelDevice& d) : device(d), pipelines(device), table(device) {}

  void record_bytes(VkCommandBuffer commands, const Pass& pass, Work& work, std::uint64_t begin,
                    std::uint64_t end, bool vector);
  void point_at(const Pass& pass, Work& work, std::uint64_t offset) const;
  [[nodiscard]] bool computes(DType dtype) const;
  [[nodiscard]] bool reaches_bytes() const;

  const KernelDevice device;
  Pipelines pipelines;
  AddressTable table;
  VkDeviceAddress table_address = 0;
};

bool Kernels::State::reaches_bytes() const {
  return device.buffer_device_address && device.storage_8bit &&
         device.limits.maxComputeWorkGroupInvocations >= kGroupSize &&
         device.limits.maxComputeWorkGroupSize[0] >= kGroupSize;
}

// Integers of 64 bits are f64's bits, too.
bool Kernels::State::computes(DType dtype) const {
  if (size_of(dtype) == 8 && !device.int64) return false;
  if (!is_floating(dtype)) return true;
  if (dtype == DType::f64 && !device.float64) return false;
  return float_controls(device.float_controls, dtype == DType::f64 ? 64 : 32).exact;
}

// The addresses of a dispatch that begins at this offset of every operand.
void Kernels::State::point_at(const Pass& pass, Work& work, std::uint64_t offset) const {
  PushConstants& constants = work.constants;
  if ((constants.flags & PushConstants::kTable) != 0) {
    constants.sources[0] = table_address;
    constants.sources[1] = offset;
    return;
  }
  for (std::size_t s = 0; s < pass.sources.size(); ++s) {
    constants.sources[s] = pass.sources[s] + offset;
  }
  for (std::size_t d = 0; d < pass.destinations.size(); ++d) {
    constants.destinations[d] = pass.destinations[d] + offset;
  }
}

void Kernels::State::record_bytes(VkCommandBuffer commands, const Pass& pass, Work& work,
                                  std::uint64_t begin, std::uint64_t end, bool vector) {
  if (begin == end) return;
  const DeviceFunctions& vk = *device.functions;
  vk.vkCmdBindPipeline(
      commands, VK_PIPELINE_BIND_POINT_COMPUTE,
      vector ? pipelines.vector(work.type, work.operation) : pipelines.any(work.type));
  const std::uint64_t group = group_bytes(work.type, vector);
  const std::uint64_t most =
      std::min<std::uint64_t>(device.limits.maxComputeWorkGroupCount[0], kMostBytes / group);
  for (std::uint64_t at = begin; at < end;) {
    const std::uint64_t bytes = std::min(end - at, most * group);
    point_at(pass, work, at);
    work.constants.bytes = static_cast<std::uint32_t>(bytes);
    vk.vkCmdPushConstants(commands, pipelines.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                          sizeof work.constants, &work.constants);
    vk.vkCmdDispatch(commands, static_cast<std::uint32_t>((bytes + group - 1) / group), 1, 1);
    at += bytes;
  }
}

Kernels::Kernels(const KernelDevice& device) : state_(std::make_unique<State>(device)) {}
Kernels::~Kernels() = default;

bool Kernels::supports(DType dtype) const noexcept {
  return state_->reaches_bytes() && state_->computes(dtype);
}

bool Kernels::copies() const noexcept { return state_->reaches_bytes(); }

void Kernels::prepare(DType dtype, ReduceKind kind) {
  if (!copies()) return;
  Pipelines& pipelines = state_->pipelines;
  static_cast<void>(pipelines.any(ShaderType::u32));
  static_cast<void>(pipelines.vector(ShaderType::u32, Operation::Xor));
  if (!supports(dtype) || !rlx::supports(kind, dtype)) return;
  const ShaderType type = shader_type(dtype, kind);
  static_cast<void>(pipelines.any(type));
  static_cast<void>(pipelines.vector(type, operation_of(kind)));
}

void Kernels::record(VkCommandBuffer commands, const Pass& pass) {
  if (pass.count == 0) return;
  Work work = work_of(pass);
  work.constants.operands = static_cast<std::uint32_t>(pass.sources.size()) |
                            static_cast<std::uint32_t>(pass.destinations.size()) << 16;
  if (pass.sources.size() > PushConstants::kSources ||
      pass.destinations.size() > PushConstants::kDestinations) {
    state_->table_address = state_->table.write(commands, pass);
    work.constants.flags |= PushConstants::kTable;
  }
  // The parts touch different bytes, so nothing orders them.
  const Alignment alignment = alignment_of(pass);
  const Body body = body_of(work, alignment);
  const std::uint32_t flags = work.constants.flags;
  const auto bytewise = [&](std::uint64_t begin, std::uint64_t end) {
    const bool words = ((alignment.different | (alignment.address + begin)) & 3) == 0;
    work.constants.flags = flags | (words ? PushConstants::kWords : 0);
    state_->record_bytes(commands, pass, work, begin, end, false);
  };
  bytewise(0, body.begin);
  state_->record_bytes(commands, pass, work, body.begin, body.end, true);
  bytewise(body.end, work.bytes);
}

}  // namespace rlx::vulkan
