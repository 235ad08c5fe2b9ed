// One process's heap: places, contents, growth, limits.

#include "rlx/symmetric_heap.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <thread>

#include "rlx/error.hpp"
#include "tests/symmetric/heap_team.hpp"

namespace rlx {

namespace {

using test::alone;
using test::plain_heap;
using testing::HasSubstr;

constexpr std::size_t kMiB = std::size_t{1} << 20;

bool is_zero(const SymmetricHeap& heap, std::uint64_t offset, std::size_t bytes) {
  const std::byte* const begin = heap.at(offset);
  return std::all_of(begin, begin + bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

CollectiveError thrown_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const CollectiveError& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return CollectiveError(ErrorKind::Internal, "", "");
}

TEST(SymmetricHeap, offsets_are_whole_lines_and_the_lowest_that_are_free) {
  const auto heap = plain_heap(kMiB);
  const auto allocate = [&](std::size_t bytes) { return heap->allocate(bytes, 64, 0, alone()); };
  EXPECT_EQ(allocate(1), 0U);
  EXPECT_EQ(allocate(0), 64U);
  EXPECT_EQ(allocate(65), 128U);
  EXPECT_EQ(allocate(64), 256U);
  heap->release(64);
  EXPECT_EQ(allocate(128), 320U) << "does not fit the hole";
  EXPECT_EQ(allocate(64), 64U) << "fills the hole";
  EXPECT_EQ(heap->allocated_bytes(), 64U + 64 + 128 + 64 + 128);
}

TEST(SymmetricHeap, alignment_is_kept_and_checked) {
  const auto heap = plain_heap(8 * kMiB);
  static_cast<void>(heap->allocate(64, 64, 0, alone()));
  EXPECT_EQ(heap->allocate(64, 4096, 0, alone()), 4096U);
  EXPECT_EQ(heap->allocate(64, 1, 0, alone()), 64U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(heap->at(4096)) % 4096, 0U);
  for (const std::size_t bad : {std::size_t{0}, std::size_t{96}, 4 * kMiB}) {
    EXPECT_EQ(thrown_by([&] { heap->allocate(64, bad, 0, alone()); }).kind(),
              ErrorKind::InvalidArgument);
  }
}

TEST(SymmetricHeap, memory_is_zero_whatever_was_there_before) {
  const auto heap = plain_heap(kMiB);
  const std::uint64_t first = heap->allocate(1000, 64, 0, alone());
  const std::uint64_t second = heap->allocate(5000, 64, 0, alone());
  EXPECT_TRUE(is_zero(*heap, first, 1000));
  std::memset(heap->at(first), 1, 1024);
  std::memset(heap->at(second), 2, 5056);
  heap->release(first);
  heap->release(second);
  const std::uint64_t small = heap->allocate(512, 64, 0, alone());
  const std::uint64_t large = heap->allocate(20000, 64, 0, alone());
  EXPECT_EQ(small, first);
  EXPECT_TRUE(is_zero(*heap, small, 512));
  EXPECT_TRUE(is_zero(*heap, large, 20000));
}

TEST(SymmetricHeap, limit_is_only_addresses_until_it_is_used) {
  std::vector<HeapExtent> extents;
  SymmetricHeap heap(std::size_t{64} << 30, [&](HeapExtent extent, std::span<std::byte> bytes) {
    EXPECT_EQ(bytes.size(), extent.length);
    bytes.front() = bytes.back() = std::byte{0};  // committed
    extents.push_back(extent);
  });
  EXPECT_EQ(heap.committed_bytes(), 0U);
  const std::uint64_t first = heap.allocate(kMiB, 64, 0, alone());
  ASSERT_EQ(extents.size(), 1U);
  EXPECT_EQ(extents[0].length, 32 * kMiB);
  EXPECT_EQ(heap.committed_bytes(), 32 * kMiB);
  static_cast<void>(heap.allocate(kMiB, 64, 0, alone()));
  EXPECT_EQ(extents.size(), 1U) << "still fits";
  const std::uint64_t large = heap.allocate(33 * kMiB + 1, 64, 0, alone());
  ASSERT_EQ(extents.size(), 2U);
  EXPECT_EQ(extents[1].length, 34 * kMiB);
  EXPECT_EQ(heap.extent_at(first).offset, 0U);
  EXPECT_EQ(heap.extent_at(large).offset, extents[1].offset);
  EXPECT_EQ(heap.extent_at(extents[1].offset + extents[1].length).length, 0U);
  EXPECT_EQ(heap.extent_at(std::uint64_t{65} << 30).length, 0U);
}

TEST(SymmetricHeap, an_allocation_never_crosses_an_extent) {
  const auto heap = plain_heap(64 * kMiB);  // grows by 8 MiB
  for (int i = 0; i < 9; ++i) {
    const std::uint64_t offset = heap->allocate(3 * kMiB, 64, 0, alone());
    const HeapExtent extent = heap->extent_at(offset);
    EXPECT_GE(offset, extent.offset);
    EXPECT_LE(offset + 3 * kMiB, extent.offset + extent.length);
  }
}

TEST(SymmetricHeap, pointers_are_found_by_place) {
  const auto heap = plain_heap(kMiB);
  const std::uint64_t offset = heap->allocate(4096, 64, 0, alone());
  EXPECT_EQ(heap->offset_of(heap->at(offset) + 10), std::pair(offset + 10, true));
  EXPECT_FALSE(heap->offset_of(heap->base() + heap->limit()).second);
  EXPECT_FALSE(heap->offset_of(&offset).second);
  EXPECT_FALSE(heap->offset_of(nullptr).second);
}

TEST(SymmetricHeap, running_out_names_requested_available_limit_and_knob) {
  const auto heap = plain_heap(kMiB);
  static_cast<void>(heap->allocate(kMiB - 4096, 64, 0, alone()));
  const CollectiveError error = thrown_by([&] { heap->allocate(5000, 64, 0, alone()); });
  EXPECT_EQ(error.kind(), ErrorKind::OutOfMemory);
  EXPECT_EQ(error.operation(), "allocate");
  EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("requested 5056"), HasSubstr("4096"),
                                           HasSubstr("1048576"), HasSubstr("RLX_HEAP_LIMIT")));
  EXPECT_EQ(heap->allocate(4096, 64, 0, alone()), kMiB - 4096) << "what is left can be had";
  const CollectiveError huge = thrown_by([&] { heap->allocate(~std::size_t{0}, 64, 0, alone()); });
  EXPECT_EQ(huge.kind(), ErrorKind::OutOfMemory);
}

TEST(SymmetricHeap, only_what_is_allocated_can_be_released) {
  const auto heap = plain_heap(kMiB);
  const std::uint64_t offset = heap->allocate(4096, 64, 0, alone());
  EXPECT_EQ(thrown_by([&] { heap->release(offset + 64); }).kind(), ErrorKind::OutOfBounds);
  heap->release(offset);
  const CollectiveError twice = thrown_by([&] { heap->release(offset); });
  EXPECT_EQ(twice.kind(), ErrorKind::OutOfBounds);
  EXPECT_EQ(heap->allocated_bytes(), 0U);
}

// Peers may have put into it before the first allocation here, so that one must leave it alone.
TEST(SymmetricHeap, memory_of_the_caller_is_one_extent_and_cleared_only_when_used_again) {
  std::vector<std::byte> memory(10000);
  memory[4000] = std::byte{7};
  SymmetricHeap heap{std::span(memory)};
  EXPECT_EQ(heap.base(), memory.data());
  EXPECT_EQ(heap.limit(), 9984U);
  EXPECT_EQ(heap.committed_bytes(), 9984U);
  const std::uint64_t offset = heap.allocate(9000, 64, 0, alone());
  EXPECT_EQ(memory[4000], std::byte{7});
  EXPECT_EQ(thrown_by([&] { heap.allocate(1000, 64, 0, alone()); }).kind(), ErrorKind::OutOfMemory);
  heap.release(offset);
  EXPECT_TRUE(is_zero(heap, heap.allocate(9000, 64, 0, alone()), 9000));
}

TEST(SymmetricHeap, an_extent_that_one_member_cannot_register_fails_for_all_and_nothing_is_lost) {
  test::MaxBarrier barrier(2);
  bool refuse = true;
  const auto willing = plain_heap(kMiB);
  SymmetricHeap picky(kMiB, [&](HeapExtent, std::span<std::byte> bytes) {
    bytes[0] = std::byte{9};
    if (refuse) throw std::runtime_error("memlock: ulimit -l");
  });
  const auto both = [&](auto body) {
    std::jthread other([&] { body(*willing); });
    body(picky);
  };
  both([&](SymmetricHeap& heap) {
    const CollectiveError error =
        thrown_by([&] { heap.allocate(4096, 64, 0, barrier.function()); });
    EXPECT_EQ(error.kind(), ErrorKind::OutOfMemory);
    EXPECT_THAT(error.what(), HasSubstr(&heap == &picky ? "ulimit -l" : "another member"));
    EXPECT_EQ(heap.allocated_bytes(), 0U);
  });
  EXPECT_EQ(picky.committed_bytes(), 0U);
  refuse = false;
  both([&](SymmetricHeap& heap) { EXPECT_EQ(heap.allocate(4096, 64, 0, barrier.function()), 0U); });
  EXPECT_FALSE(is_zero(picky, 0, 1)) << "what on_extent writes stays";
}

// The bytes of addresses that this process has.
std::size_t addresses_in_use() {
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  statm >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// An address space limit is for a whole process, so this one runs in a process of its own.
TEST(SymmetricHeap, a_limit_that_the_system_refuses_is_halved) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    rlimit addresses{};
    ::getrlimit(RLIMIT_AS, &addresses);
    addresses.rlim_cur = addresses_in_use() + (std::size_t{8} << 30);
    ::setrlimit(RLIMIT_AS, &addresses);
    const auto heap = plain_heap(std::size_t{64} << 30);
    const bool halved = heap->limit() < (std::size_t{8} << 30) && heap->limit() >= 64 * kMiB;
    const bool usable = heap->allocate(kMiB, 64, 0, alone()) == 0;
    ::_exit(halved && usable ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace

}  // namespace rlx
