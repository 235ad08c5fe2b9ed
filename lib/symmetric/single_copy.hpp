#pragma once
// Reading another process's private memory with one copy (process_vm_readv), where the system lets
// us: the same user, no hardened ptrace scope, one pid namespace.

#include <cstddef>
#include <cstdint>

namespace rlx::detail {

/// Copies `bytes` at address `from` of the process to `to`. False, with errno set, when the system
/// refuses or the process is gone. In this very process it is a plain copy.
[[nodiscard]] bool read_process(std::int32_t process, std::byte* to, std::uint64_t from,
                                std::size_t bytes) noexcept;

}  // namespace rlx::detail
