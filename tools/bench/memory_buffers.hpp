#pragma once
// The memory that rlx-bench memory works on: each rank's own, in pages of its own, and how ranks
// see each other's.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "rlx/communicator.hpp"
#include "tools/bench/memory_kernels.hpp"
#include "tools/bench/shared_memory.hpp"

namespace rlx::bench {

/// Whose memory a kernel works on. "Theirs" is the next rank's: for copy and add the last source
/// (from), the destination (to), or both; for read and write what there is.
enum class Reach : std::uint8_t { local, from, to, both };
inline constexpr Reach kReaches[] = {Reach::local, Reach::from, Reach::to, Reach::both};
/// "local", "from", "to", "both".
[[nodiscard]] std::string_view to_string(Reach reach);

class MemoryBuffers {
 public:
  /// Collective. Every rank can touch `bytes` in up to three arrays; all pages are there when this
  /// returns. Throws on all ranks CollectiveError: OutOfMemory, or Unsupported where a rank can not
  /// map another's memory, naming the first rank that failed and what to do.
  MemoryBuffers(Communicator& comm, std::size_t bytes);

  /// The arrays of a kernel that touches `bytes` (rounded down to whole units, see kMemoryUnit).
  /// Ranks may all run the same kernel at once: none writes what another touches.
  [[nodiscard]] MemoryArrays arrays(MemoryKernel kernel, Reach reach, std::size_t bytes) const;
  /// Writes the arrays of that kernel in my memory, as their owner does before others come.
  void rewrite(MemoryKernel kernel, std::size_t bytes) const;

  /// One word in a cache line of its own in that rank's memory.
  [[nodiscard]] std::atomic<std::uint64_t>& word_of(Rank rank) const;

 private:
  [[nodiscard]] std::size_t array_start(std::size_t index, std::size_t array_bytes) const;

  SharedMemory mine_;
  SharedMemory theirs_;              // the next rank's
  std::vector<SharedMemory> heads_;  // everybody's first page, by rank
};

}  // namespace rlx::bench
