#pragma once
// Memory of one process that other processes of its machine map to read: a file without a name
// (memfd), opened by way of its process. Nothing is left of it, however processes end. Part of
// rlx/mpi.hpp; needs no MPI itself.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace rlx::detail {

/// By what others find it. Travels.
struct NodeMemoryName {
  std::int64_t process = 0;  ///< 0: there is none
  std::int64_t descriptor = -1;
  std::uint64_t token = 0;  ///< stands at its beginning: process numbers mean little elsewhere
  std::uint64_t bytes = 0;
};

class NodeMemory {
 public:
  /// Without memory, and a name that says so, where the system refuses.
  explicit NodeMemory(std::size_t bytes) noexcept;
  NodeMemory(const NodeMemory&) = delete;
  NodeMemory& operator=(const NodeMemory&) = delete;
  /// Others that have it open keep it.
  ~NodeMemory();

  [[nodiscard]] const NodeMemoryName& name() const { return name_; }
  [[nodiscard]] std::span<std::byte> memory() const { return memory_; }

 private:
  NodeMemoryName name_;
  void* mapped_ = nullptr;
  std::span<std::byte> memory_;
};

/// Maps it, the maker itself as well. nullptr where it can not be had: in another container, or
/// where the process belongs to another user.
[[nodiscard]] std::shared_ptr<const std::byte> open_node_memory(
    const NodeMemoryName& name) noexcept;

}  // namespace rlx::detail
