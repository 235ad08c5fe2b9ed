#pragma once
// How much memory the system can still give, and whether it gives huge pages to shared memory.
//
// A page of shared memory that can not be had ends the process with SIGBUS, or the kernel ends one
// of its own choice, at the first touch. So memory is asked for here before it is touched.

#include <cstddef>
#include <string>

namespace rlx::shm {

/// Bytes that can be had now: what the machine has available (swap included), or less where this
/// process's control group or one above it allows less. A very large number where the system does
/// not tell. `root` stands for "/" in tests.
[[nodiscard]] std::size_t available_memory(const std::string& root = "");

struct HugePages {
  bool allowed = false;  ///< for memory that asks for them
  std::string setting;   ///< the kernel's word: "advise", "never", ...
};
/// Of shared memory, from shmem_enabled of the kernel's transparent huge pages.
[[nodiscard]] HugePages huge_pages_of_shared_memory(const std::string& root = "");

}  // namespace rlx::shm
