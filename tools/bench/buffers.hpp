#pragma once
// The memory that a benchmark communicates.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>

#include "rlx/buffer.hpp"
#include "rlx/communicator.hpp"
#include "tools/bench/collective_bench.hpp"

namespace rlx::bench {

/// Page-aligned memory of the process's own, touched. Ours where it is private and the other
/// library's always: the same for both.
class PrivateBuffer {
 public:
  PrivateBuffer() = default;
  /// At least one byte. Throws std::bad_alloc.
  explicit PrivateBuffer(std::size_t bytes);
  [[nodiscard]] std::byte* data() const noexcept { return memory_.get(); }

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> memory_;
};

/// A send and a receive array of equal length.
class Buffers {
 public:
  /// Collective. Each holds `bytes`. Throws CollectiveError(OutOfMemory) on all ranks.
  Buffers(Communicator& comm, BufferKind kind, std::size_t bytes);

  /// The operands without shape and kind.
  [[nodiscard]] Operands operands() const;

 private:
  BufferKind kind_;
  SymmetricArray<std::uint64_t> heap_send_;
  SymmetricArray<std::uint64_t> heap_recv_;
  PrivateBuffer private_send_;
  PrivateBuffer private_recv_;
  std::optional<Buffer> device_send_;  // where the rank's device has memory of its own
  std::optional<Buffer> device_recv_;
};

}  // namespace rlx::bench
