#pragma once
// Where the pages of shared memory lie, for rlx-info.

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace rlx::shm {

/// Whether a sample of these pages lies on NUMA nodes of this process's CPUs. nullopt where the
/// system does not tell, or where a page of the sample is not there.
[[nodiscard]] std::optional<bool> pages_are_local(std::span<const std::byte> memory);

/// What shared memory is on this machine for this process, found by making some.
struct SharedMemoryReport {
  std::string problem;             ///< why there is none; empty: there is
  std::optional<bool> node_local;  ///< its pages lie on the process's own NUMA nodes
  bool huge_pages = false;
  std::string huge_page_setting;  ///< the kernel's word for it
};
[[nodiscard]] SharedMemoryReport describe_shared_memory();

}  // namespace rlx::shm
