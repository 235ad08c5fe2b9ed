#pragma once
// One address range per rank. An allocation has the same offset on every member of its
// communicator; who owns which bytes on this process is known here, and agreement with the other
// members goes through an `Agree` function that the communicator gives (rule 10).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace rlx {

/// The maximum over the members of one number each gives. Collective over those members.
using Agree = std::function<std::uint64_t(std::uint64_t mine)>;

/// A committed part of the range: what is registered with the transport as one window.
struct HeapExtent {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

class SymmetricHeap {
 public:
  /// Reserves `limit` bytes of addresses (no memory). `on_extent` is called, by the thread that
  /// allocates, for each new extent once it is readable and writable and before the allocation that
  /// needs it returns; it registers the extent. It may throw: the extent is given back, the
  /// agreement is told, and every member throws OutOfMemory.
  /// Throws CollectiveError(OutOfMemory) naming RLX_HEAP_LIMIT.
  SymmetricHeap(std::size_t limit, std::function<void(HeapExtent, std::span<std::byte>)> on_extent);
  /// Over memory of the caller's that is zero and reachable already (so it is not cleared, lest a
  /// peer's first signal goes with it): one extent, offset 0 its first byte, no growth. The memory
  /// must outlive the heap.
  explicit SymmetricHeap(std::span<std::byte> memory);
  ~SymmetricHeap();
  SymmetricHeap(const SymmetricHeap&) = delete;
  SymmetricHeap& operator=(const SymmetricHeap&) = delete;

  /// Agrees on an offset at which `bytes` (rounded up to 64; 0 counts as 64) are free on every
  /// member, multiple of `alignment` (power of two, at least 64), inside one extent on each.
  /// `communicator` orders concurrent agreements: the smaller id wins (rule 10).
  /// Different threads may allocate for different communicators at the same time.
  /// Throws on all members CollectiveError(OutOfMemory) naming requested, available, limit and knob.
  std::uint64_t allocate(std::size_t bytes, std::size_t alignment, std::uint64_t communicator,
                         const Agree& agree);
  /// Local, any order, any thread. Throws CollectiveError(OutOfBounds) for what is not allocated.
  void release(std::uint64_t offset);

  [[nodiscard]] std::byte* base() const noexcept;
  [[nodiscard]] std::byte* at(std::uint64_t offset) const noexcept { return base() + offset; }
  /// The offset of a pointer into the range; false in `.second` when it lies outside.
  [[nodiscard]] std::pair<std::uint64_t, bool> offset_of(const void* pointer) const noexcept;
  /// The extent that holds the offset; length 0 when none does.
  [[nodiscard]] HeapExtent extent_at(std::uint64_t offset) const;
  [[nodiscard]] std::size_t limit() const noexcept;
  [[nodiscard]] std::size_t allocated_bytes() const;
  [[nodiscard]] std::size_t committed_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rlx
