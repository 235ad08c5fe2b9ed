#pragma once
// The compute shaders: reductions and copies of bytes that are named by device addresses.

#include <memory>
#include <span>

#include "lib/driver/vulkan/kernels/kernel_device.hpp"
#include "rlx/dtype.hpp"
#include "rlx/reduce_kind.hpp"

namespace rlx::vulkan {

/// A ComputeStep whose memory is named by device addresses. The same rules: any address, one source
/// without a divisor is a copy. Up to 8192 operands.
struct Pass {
  std::span<const VkDeviceAddress> destinations;
  std::span<const VkDeviceAddress> sources;
  std::uint64_t count = 0;  ///< elements
  DType dtype = DType::u8;
  ReduceKind kind = ReduceKind::Sum;
  std::uint64_t divisor = 0;
};

/// All kernels of one device. Pipelines are made when first needed; one thread at a time. The
/// addresses of passes of more than 8 sources or 3 destinations go through a table on the device,
/// which recorded commands write anew for each: any number of passes may be recorded and nothing
/// needs resetting, but all command buffers have to go to one queue in the order of recording.
class Kernels {
 public:
  /// The device's handles must outlive the kernels, and the kernels what was recorded.
  explicit Kernels(const KernelDevice& device);
  ~Kernels();
  Kernels(const Kernels&) = delete;
  Kernels& operator=(const Kernels&) = delete;

  /// Whether this device reduces the dtype, by every kind that the dtype supports.
  [[nodiscard]] bool supports(DType dtype) const noexcept;
  /// Whether it copies by shader; otherwise record() may not be called at all.
  [[nodiscard]] bool copies() const noexcept;
  /// Makes the pipelines for copies, and for a dtype and kind if they are supported. Throws
  /// CollectiveError(Device).
  void prepare(DType dtype, ReduceKind kind);
  /// Records the dispatches of a pass of a supported dtype and kind, and the barriers between its
  /// own dispatches; none before the first or after the last, which are the caller's. Makes
  /// pipelines that prepare() has not. Throws CollectiveError: Device, OutOfMemory, or
  /// InvalidArgument for too many operands.
  void record(VkCommandBuffer commands, const Pass& pass);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rlx::vulkan
