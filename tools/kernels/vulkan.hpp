#pragma once

namespace rlx::kernel_bench {

/// Adds the kernels of this machine's first Vulkan device, if there is one:
/// vulkan/copy or vulkan/DTYPE/KIND, /sources:N/destinations:N[/skewed]/MiB.
void register_vulkan();

}  // namespace rlx::kernel_bench
