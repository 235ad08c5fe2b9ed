#pragma once
// Chunk boundaries (rule 11): multiples of 64 bytes where the collective lets us choose, the same
// on every rank, for any count including zero and fewer than ranks.

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rlx::collectives {

/// The elements of one chunk of a vector: [begin, begin + count).
struct ChunkRange {
  std::size_t begin = 0;
  std::size_t count = 0;
};

/// Elements per chunk when `count` elements are cut into `chunks`: rounded up to whole 64-byte
/// lines, so that later chunks may be short or empty. At least 1 unless count is 0.
[[nodiscard]] constexpr std::size_t chunk_capacity(std::size_t count, std::uint32_t chunks,
                                                   std::size_t element_bytes) {
  const std::size_t line = std::max<std::size_t>(1, 64 / element_bytes);
  const std::size_t even = (count + chunks - 1) / chunks;
  return (even + line - 1) / line * line;
}

/// Chunk `index` of `count` elements cut into `chunks`.
[[nodiscard]] constexpr ChunkRange chunk_range(std::size_t count, std::uint32_t chunks,
                                               std::uint32_t index, std::size_t element_bytes) {
  const std::size_t capacity = chunk_capacity(count, chunks, element_bytes);
  const std::size_t begin = std::min(count, capacity * index);
  return {begin, std::min(capacity, count - begin)};
}

}  // namespace rlx::collectives
