#include "lib/symmetric/heap_memory.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "lib/base/log.hpp"
#include "rlx/error.hpp"

namespace rlx::detail {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kSmallestLimit = std::size_t{64} << 20;

AddressRange reserve_addresses(std::size_t limit) {
  const std::size_t wanted = (std::max(limit, kPage) + kPage - 1) / kPage * kPage;
  if (wanted < limit) {
    throw CollectiveError(ErrorKind::OutOfMemory, "heap",
                          fmt::format("RLX_HEAP_LIMIT of {} bytes is no address range", limit));
  }
  const std::size_t least = std::min(wanted, kSmallestLimit);
  std::size_t bytes = wanted;
  AddressRange range = AddressRange::reserve(bytes, kHugePage);
  int reason = errno;
  while (range.data() == nullptr && bytes > least) {
    bytes = std::max(least, bytes / 2 / kPage * kPage);
    range = AddressRange::reserve(bytes, kHugePage);
    reason = errno;
  }
  if (range.data() == nullptr) {
    throw CollectiveError(
        ErrorKind::OutOfMemory, "heap",
        fmt::format(
            "cannot reserve {} bytes of addresses for the symmetric heap, nor {}: {}. Lower "
            "RLX_HEAP_LIMIT or raise the address space limit (`ulimit -v`)",
            wanted, least, std::generic_category().message(reason)));
  }
  if (bytes < wanted) {
    log::warn("symmetric heap: {} bytes of addresses were refused (`ulimit -v`), limited to {}",
              wanted, bytes);
  }
  return range;
}

}  // namespace

HeapMemory::HeapMemory(std::size_t limit, OnExtent on_extent)
    : HeapMemory(reserve_addresses(limit), std::move(on_extent)) {}

HeapMemory::HeapMemory(AddressRange range, OnExtent on_extent)
    : allocator(range.size()),
      range_(std::move(range)),
      base_(range_.data()),
      on_extent_(std::move(on_extent)) {}

HeapMemory::HeapMemory(std::span<std::byte> memory)
    : allocator(memory.size() / kHeapUnit * kHeapUnit), base_(memory.data()) {
  allocator.adopt_whole();
}

void HeapMemory::clear_dirty(std::uint64_t offset, std::uint64_t bytes) {
  std::vector<HeapExtent> dirty;
  {
    const std::lock_guard lock(mutex);
    dirty = allocator.take_dirty(offset, bytes);
  }
  for (const HeapExtent& part : dirty) std::memset(base_ + part.offset, 0, part.length);
}

void HeapMemory::grow_for(std::uint64_t offset) {
  const std::lock_guard one_at_a_time(growth_);
  HeapExtent extent;
  {
    const std::lock_guard lock(mutex);
    if (allocator.is_ready(offset)) return;
    extent = allocator.plan_extent(offset);
  }
  try {
    bring_up(extent);
  } catch (...) {
    range_.decommit(extent.offset, extent.length);
    const std::lock_guard lock(mutex);
    allocator.drop_extent(extent.offset);
    throw;
  }
  const std::lock_guard lock(mutex);
  allocator.make_ready(extent.offset);
}

void HeapMemory::bring_up(HeapExtent extent) {
  if (!range_.commit(extent.offset, extent.length)) {
    throw CollectiveError(ErrorKind::OutOfMemory, "allocate",
                          fmt::format("the system refuses {} bytes of memory: {}", extent.length,
                                      std::generic_category().message(errno)));
  }
  if (on_extent_) on_extent_(extent, {base_ + extent.offset, extent.length});
  log::debug("symmetric heap: extent of {} bytes at {}", extent.length, extent.offset);
}

}  // namespace rlx::detail
