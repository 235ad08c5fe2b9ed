#pragma once
// Whether this process is still the one that made something.

#include <cstdint>

namespace rlx {

/// A number that a forked child sees one higher than its parent. Cheaper than asking the kernel for
/// the process's number with every call. Children made by vfork or a bare clone() are not noticed.
[[nodiscard]] std::uint32_t fork_generation() noexcept;

}  // namespace rlx
