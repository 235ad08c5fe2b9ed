#include "collectives/chunks.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace rlx::collectives {
namespace {

std::size_t element() { return std::size_t{1} << *rc::gen::inRange(0, 5); }

RC_GTEST_PROP(Chunks, cover_the_vector_once_and_in_order, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(0, 100000);
  const auto chunks = *rc::gen::inRange<std::uint32_t>(1, 300);
  const std::size_t bytes = element();
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < chunks; ++i) {
    const ChunkRange range = chunk_range(count, chunks, i, bytes);
    RC_ASSERT(range.begin == next);
    next += range.count;
  }
  RC_ASSERT(next == count);
}

RC_GTEST_PROP(Chunks, begin_at_whole_lines_or_at_the_end, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(0, 100000);
  const auto chunks = *rc::gen::inRange<std::uint32_t>(1, 300);
  const std::size_t bytes = element();
  for (std::uint32_t i = 0; i < chunks; ++i) {
    const ChunkRange range = chunk_range(count, chunks, i, bytes);
    RC_ASSERT(range.begin * bytes % 64 == 0 || range.begin == count);
    RC_ASSERT(range.count <= chunk_capacity(count, chunks, bytes));
  }
}

TEST(Chunks, of_fewer_elements_than_chunks_are_empty_at_the_end) {
  EXPECT_EQ(chunk_range(3, 8, 0, 4).count, 3u);
  for (std::uint32_t i = 1; i < 8; ++i) EXPECT_EQ(chunk_range(3, 8, i, 4).count, 0u);
}

TEST(Chunks, of_nothing_are_empty) {
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(chunk_range(0, 5, i, 8).count, 0u);
}

}  // namespace
}  // namespace rlx::collectives
