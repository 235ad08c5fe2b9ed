#pragma once
// What the memory itself does, to hold kernels against.

#include "tools/kernels/operands.hpp"

namespace rlx::kernel_bench {

/// Read plus written, in units of 1e9 bytes per second.
struct Limits {
  double read = 0;         ///< one array, nothing written
  double memcpy = 0;       ///< the C library's
  double copy_stream = 0;  ///< with stores past the caches; 0 where there are none
};

/// Processor time of this thread, in seconds: other processes on its core do not count.
[[nodiscard]] double thread_seconds();

/// Measured anew for some milliseconds each, so that a disturbance of the machine is in the
/// kernel's figure and in these alike.
[[nodiscard]] Limits measure_limits(const Level& level);

}  // namespace rlx::kernel_bench
