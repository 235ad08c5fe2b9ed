#pragma once
// The memory of one process's heap: addresses, who owns them, and extents coming to life.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>

#include "lib/symmetric/address_range.hpp"
#include "lib/symmetric/offset_allocator.hpp"
#include "rlx/symmetric_heap.hpp"

namespace rlx::detail {

class HeapMemory {
 public:
  using OnExtent = std::function<void(HeapExtent, std::span<std::byte>)>;

  /// Throws CollectiveError(OutOfMemory) naming RLX_HEAP_LIMIT when not even a fraction of the
  /// addresses can be reserved.
  HeapMemory(std::size_t limit, OnExtent on_extent);
  /// Over memory of the caller's, whole, ready and zero: peers may write to it already.
  explicit HeapMemory(std::span<std::byte> memory);

  /// Clears what allocations of before may have left in a range that is reserved by the caller.
  void clear_dirty(std::uint64_t offset, std::uint64_t bytes);
  /// Makes sure that the reservation at `offset` lies in a ready extent. Throws OutOfMemory, or
  /// what on_extent throws; then nothing has changed.
  void grow_for(std::uint64_t offset);

  [[nodiscard]] std::byte* base() const { return base_; }

  std::mutex mutex;  ///< guards allocator; never held across an agreement or on_extent
  OffsetAllocator allocator;

 private:
  HeapMemory(AddressRange range, OnExtent on_extent);
  void bring_up(HeapExtent extent);

  AddressRange range_;  // empty over memory of the caller's
  std::byte* base_;
  OnExtent on_extent_;
  std::mutex growth_;  // one extent comes to life at a time; never held across an agreement
};

}  // namespace rlx::detail
