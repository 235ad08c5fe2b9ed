#pragma once
// How the executor computes on a device: submit a batch, ask whether its ticket is done. The CPU is
// the immediate implementation: everything is done when submit returns. Serves the executor;
// CommandStream is the user's and is built on it.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "rlx/dtype.hpp"
#include "rlx/reduce_kind.hpp"

namespace rlx {

/// Elementwise work on `count` elements: every destination receives
/// finalise(sources[0] op sources[1] op ...), in that order. One source and no divisor: a copy.
/// A destination may be equal to a source (in place) but may not overlap one otherwise, nor another
/// destination. Memory may lie at any address.
struct ComputeStep {
  std::span<std::byte* const> destinations;   ///< 1 or more
  std::span<const std::byte* const> sources;  ///< 1 or more
  std::size_t count = 0;                      ///< elements
  DType dtype = DType::u8;
  ReduceKind kind = ReduceKind::Sum;  ///< supported by dtype; ignored by copies
  std::uint64_t divisor = 0;          ///< Mean only. n: divides by n, once; 0: does not yet
  /// The destinations will not be read soon: they are written past the caches, and are visible to
  /// others in order with what is written next. Worth it above what the caches hold; below it costs
  /// several times as much. Without it no write bypasses the caches.
  bool stream = false;
};

using ComputeTicket = std::uint64_t;

/// Steps of any thread. Steps run in the order in which they were submitted as far as they touch the
/// same bytes, so a step sees what earlier ones wrote; others may overlap.
class Compute {
 public:
  virtual ~Compute() = default;
  /// Whether it reduces elements of this dtype, by every kind that the dtype supports. It copies
  /// all dtypes.
  [[nodiscard]] virtual bool supports(DType) const noexcept { return true; }
  /// Makes ready what steps of a supported dtype and kind need, so that submit() compiles nothing.
  /// Throws CollectiveError(Device) with the driver's words.
  virtual void prepare(DType, ReduceKind) {}
  /// Whether steps may name all of these bytes: for a device, memory of its own by
  /// DeviceMemory::address(), or host memory that was imported.
  [[nodiscard]] virtual bool reaches(const std::byte*, std::size_t) const noexcept { return true; }
  /// Starts the work, or puts it with the work to start next; the returned ticket grows. Never fails
  /// for steps whose dtype is supported and whose memory is reached; a device that is lost finishes
  /// nothing.
  virtual ComputeTicket submit(const ComputeStep& step) noexcept = 0;
  /// Whether this step and all that were submitted before it are done: what they wrote may then be
  /// read by the CPU and by others. Starts whatever had not been started. Never blocks.
  [[nodiscard]] virtual bool done(ComputeTicket ticket) noexcept = 0;
  /// Why nothing will be done any more, the device being lost; empty while it works. Final.
  [[nodiscard]] virtual std::string failure() const { return {}; }
};

/// The CPU's: immediate, stateless, shared by all threads. Lives as long as the process.
[[nodiscard]] Compute& cpu_compute();

/// Runs a step on the CPU to its end. Throws nothing, allocates nothing.
using StepKernel = void (*)(const ComputeStep& step) noexcept;

/// What runs the steps of one dtype and kind on this processor, to be looked up once: calling it is
/// the quickest way to a reduction of a few bytes. `bytes` of a destination are usual, or at most;
/// all kernels take any length and give the same bits. Where the dtype does not support the kind,
/// it can only copy.
[[nodiscard]] StepKernel step_kernel(DType dtype, ReduceKind kind, std::size_t bytes) noexcept;

}  // namespace rlx
