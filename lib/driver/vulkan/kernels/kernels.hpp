#pragma once
// The compute shaders: reductions and copies of bytes that are named by device addresses.

#include <memory>
#include <span>

#include "lib/driver/vulkan/kernels/kernel_device.hpp"
#include "rlx/dtype.hpp"
#include "rlx/reduce_kind.hpp"

namespace rlx::vulkan {

/// A ComputeStep whose memory is named by device addresses. The same rules: any address, any number
/// of operands, one source without a divisor is a copy.
struct Pass {
  std::span<const VkDeviceAddress> destinations;
  std::span<const VkDeviceAddress> sources;
  std::uint64_t count = 0;  ///< elements
  DType dtype = DType::u8;
  ReduceKind kind = ReduceKind::Sum;
  std::uint64_t divisor = 0;
};

/// All kernels of one device. Pipelines are made when first needed; one thread at a time.
class Kernels {
 public:
  /// The device's handles must outlive the kernels.
  explicit Kernels(const KernelDevice& device);
  ~Kernels();
  Kernels(const Kernels&) = delete;
  Kernels& operator=(const Kernels&) = delete;

  /// Whether this device reduces the dtype, by every kind that the dtype supports.
  [[nodiscard]] bool supports(DType dtype) const noexcept;
  /// Whether it copies by shader; otherwise record() may not be called at all.
  [[nodiscard]] bool copies() const noexcept;
  /// Makes the pipelines for a dtype and kind. Throws CollectiveError(Device).
  void prepare(DType dtype, ReduceKind kind);
  /// Records the dispatches of a pass of a supported dtype and kind, and the barriers between its
  /// own dispatches; none before the first or after the last, which are the caller's. Makes pipelines
  /// that prepare() has not. Throws CollectiveError(Device).
  void record(VkCommandBuffer commands, const Pass& pass);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rlx::vulkan
