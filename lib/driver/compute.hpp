#pragma once
// How the executor computes on a device: submit a batch, ask whether its ticket is done. The CPU is
// the immediate implementation: everything is done when submit returns. Serves the executor;
// CommandStream is the user's and is built on it.

#include <cstddef>
#include <cstdint>
#include <span>

#include "rlx/dtype.hpp"
#include "rlx/reduce_kind.hpp"

namespace rlx {

/// Elementwise work on `count` elements: every destination receives
/// finalise(sources[0] op sources[1] op ...), in that order. One source: a copy.
/// A destination may be equal to a source (in place) but may not overlap one otherwise.
struct ComputeStep {
  std::span<std::byte* const> destinations;    ///< 1 or more
  std::span<const std::byte* const> sources;   ///< 1 to 8
  std::size_t count = 0;                       ///< elements
  DType dtype = DType::u8;
  ReduceKind kind = ReduceKind::Sum;           ///< ignored with one source and no divisor
  std::uint64_t divisor = 0;                   ///< 0: none; n: Mean over n ranks, dividing once here
};

using ComputeTicket = std::uint64_t;

class Compute {
 public:
  virtual ~Compute() = default;
  /// Starts the work; the returned ticket grows. Never fails for steps whose op the dtype supports.
  virtual ComputeTicket submit(const ComputeStep& step) noexcept = 0;
  [[nodiscard]] virtual bool done(ComputeTicket ticket) noexcept = 0;
};

/// The CPU's: immediate, stateless, shared by all threads. Lives as long as the process.
[[nodiscard]] Compute& cpu_compute();

}  // namespace rlx
