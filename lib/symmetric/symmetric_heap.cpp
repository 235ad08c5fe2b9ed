// The agreement on an offset (rule 10), over the bookkeeping of OffsetAllocator.
//
// A vote is one number, and the agreed number is the maximum, so that what must win is larger:
//   offset        my first fit at or above the candidate; offsets are multiples of 64
//   offset | 1    the same, but I must commit an extent for it first
//   kOutOfMemory  nothing fits here
//   kPass         I met a communicator with a smaller id; wins over kOutOfMemory, which may only be
//                 due to reservations that are about to go
// A round is decided when the agreed offset is the candidate itself: then everybody voted for it
// and holds it reserved. All members see the same agreed numbers, hence take the same branches.

#include "rlx/symmetric_heap.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "lib/symmetric/heap_memory.hpp"
#include "lib/symmetric/offset_allocator.hpp"
#include "rlx/error.hpp"

namespace rlx {

namespace {

using detail::Fit;
using detail::FitRequest;
using detail::HeapMemory;
using detail::Manners;

constexpr std::uint64_t kPass = std::uint64_t{1} << 63;
constexpr std::uint64_t kOutOfMemory = std::uint64_t{1} << 62;
constexpr std::uint64_t kNeedsExtent = 1;
constexpr std::uint64_t kGrowthFailed = 1;

// After so many passes an agreement skips smaller ids for one round. Passing lets the smaller id
// go first; but that one may wait for a process whose only thread is in this agreement, and then
// only going ahead ends it. Raises are few in such a round, so that the two cannot chase each
// other up the range.
constexpr int kPassesBeforeInsisting = 64;
constexpr int kRaisesWhileInsisting = 16;

std::uint64_t offset_of_vote(std::uint64_t vote) { return vote & ~kNeedsExtent; }

// The longer an agreement has been passing, the more rarely it asks again.
void wait_before_round(int passes) {
  if (passes <= 8) return std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::microseconds(std::min(1000, 20 * passes)));
}

// One allocation of one communicator on one process. Whatever ends it, its reservation goes.
class Agreement {
 public:
  Agreement(HeapMemory& heap, FitRequest request, const Agree& agree)
      : heap_(heap), request_(request), agree_(agree) {}
  ~Agreement() { drop(); }
  Agreement(const Agreement&) = delete;
  Agreement& operator=(const Agreement&) = delete;

  std::uint64_t run() {
    for (int passes = 0;; ++passes) {
      const bool insist = passes > 0 && passes % kPassesBeforeInsisting == 0;
      request_.manners = insist ? Manners::insists : Manners::yields;
      const std::uint64_t agreed = round();
      if (agreed == kOutOfMemory) throw_out_of_memory();
      if (agreed != kPass) return settle(agreed);
      wait_before_round(passes);
    }
  }

 private:
  // Raises the candidate until nobody does, or until the round ends otherwise.
  std::uint64_t round() {
    std::uint64_t candidate = 0;
    for (int raises = 0;; ++raises) {
      const std::uint64_t agreed = agree_(vote(candidate));
      const bool chasing = request_.manners == Manners::insists && raises >= kRaisesWhileInsisting;
      if (agreed >= kOutOfMemory) {
        drop();
        return agreed;
      }
      if (offset_of_vote(agreed) == candidate) return agreed;
      candidate = offset_of_vote(agreed);
      if (!chasing) continue;
      drop();
      return kPass;
    }
  }

  // My number for this candidate; what it stands for is reserved when this returns.
  std::uint64_t vote(std::uint64_t candidate) {
    drop();
    try {
      const Fit fit = reserve_first_fit(candidate);
      if (fit.kind == Fit::Kind::pass) return kPass;
      if (fit.kind == Fit::Kind::none) return kOutOfMemory;
      // This vote may decide, and then a member may put into my copy before agree_() returns here:
      // it must be zero by now. A fresh extent is.
      if (fit.offset == candidate) heap_.clear_dirty(fit.offset, request_.bytes);
      return fit.offset | (fit.ready ? 0 : kNeedsExtent);
    } catch (const std::bad_alloc&) {
      drop();
      return kOutOfMemory;  // the others wait for a vote, so this is one
    }
  }

  Fit reserve_first_fit(std::uint64_t candidate) {
    const std::lock_guard lock(heap_.mutex);
    const Fit fit = heap_.allocator.first_fit(request_, candidate);
    if (fit.kind != Fit::Kind::found) return fit;
    heap_.allocator.reserve(fit.offset, request_);
    reserved_ = fit.offset;
    return fit;
  }

  // The round is decided for the offset that everybody reserved.
  std::uint64_t settle(std::uint64_t agreed) {
    const std::uint64_t offset = offset_of_vote(agreed);
    if ((agreed & kNeedsExtent) != 0) grow(offset);
    const std::lock_guard lock(heap_.mutex);
    heap_.allocator.settle(offset);
    reserved_.reset();
    return offset;
  }

  // At least one member needs an extent: all take part, since only it knows how that went.
  void grow(std::uint64_t offset) {
    std::string reason = "another member could not commit or register an extent";
    std::uint64_t outcome = 0;
    try {
      heap_.grow_for(offset);
    } catch (const std::exception& error) {
      reason = error.what();
      outcome = kGrowthFailed;
    } catch (...) {
      reason = "registering an extent failed";
      outcome = kGrowthFailed;
    }
    if (agree_(outcome) != kGrowthFailed) return;
    drop();
    throw_out_of_memory(reason);
  }

  [[noreturn]] void throw_out_of_memory(const std::string& reason = {}) {
    std::uint64_t mine = 0;
    {
      const std::lock_guard lock(heap_.mutex);
      mine = heap_.allocator.largest_fit(request_.alignment);
    }
    // The maximum of the complements is the complement of the minimum.
    const std::uint64_t available = ~agree_(~mine);
    throw CollectiveError(
        ErrorKind::OutOfMemory, "allocate",
        fmt::format(
            "requested {} bytes (alignment {}) of symmetric memory; available: {} bytes, the "
            "largest free block of the fullest member; limit: {} bytes. {}{}Release symmetric "
            "arrays or raise RLX_HEAP_LIMIT",
            request_.bytes, request_.alignment, available, heap_.allocator.limit(), reason,
            reason.empty() ? "" : ". "));
  }

  void drop() {
    if (!reserved_) return;
    const std::lock_guard lock(heap_.mutex);
    heap_.allocator.drop_reservation(*reserved_);
    reserved_.reset();
  }

  HeapMemory& heap_;
  FitRequest request_;
  const Agree& agree_;
  std::optional<std::uint64_t> reserved_;
};

}  // namespace

struct SymmetricHeap::Impl : HeapMemory {
  using HeapMemory::HeapMemory;
};

SymmetricHeap::SymmetricHeap(std::size_t limit,
                             std::function<void(HeapExtent, std::span<std::byte>)> on_extent)
    : impl_(std::make_unique<Impl>(limit, std::move(on_extent))) {}

SymmetricHeap::SymmetricHeap(std::span<std::byte> memory) : impl_(std::make_unique<Impl>(memory)) {}

SymmetricHeap::~SymmetricHeap() = default;

std::uint64_t SymmetricHeap::allocate(std::size_t bytes, std::size_t alignment,
                                      std::uint64_t communicator, const Agree& agree) {
  if (!std::has_single_bit(alignment) || alignment > detail::kHugePage) {
    throw CollectiveError(
        ErrorKind::InvalidArgument, "allocate",
        fmt::format("alignment {} is no power of two up to {}", alignment, detail::kHugePage));
  }
  constexpr std::uint64_t kUnit = detail::kHeapUnit;
  // A length that cannot be rounded up is one that fits nowhere, which is agreed like any other.
  const std::uint64_t rounded =
      bytes > ~std::uint64_t{0} - kUnit
          ? bytes
          : (std::max<std::uint64_t>(bytes, 1) + kUnit - 1) / kUnit * kUnit;
  FitRequest request{rounded, std::max<std::uint64_t>(alignment, kUnit), communicator};
  return Agreement(*impl_, request, agree).run();
}

void SymmetricHeap::release(std::uint64_t offset) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->allocator.release(offset)) return;
  throw CollectiveError(ErrorKind::OutOfBounds, "release",
                        fmt::format("no allocation starts at heap offset {}", offset));
}

std::byte* SymmetricHeap::base() const noexcept { return impl_->base(); }
std::size_t SymmetricHeap::limit() const noexcept { return impl_->allocator.limit(); }

std::pair<std::uint64_t, bool> SymmetricHeap::offset_of(const void* pointer) const noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  const auto begin = reinterpret_cast<std::uintptr_t>(base());
  if (address < begin || address - begin >= limit()) return {0, false};
  return {address - begin, true};
}

HeapExtent SymmetricHeap::extent_at(std::uint64_t offset) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->allocator.extent_at(offset);
}

std::size_t SymmetricHeap::allocated_bytes() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->allocator.allocated_bytes();
}

std::size_t SymmetricHeap::committed_bytes() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->allocator.committed_bytes();
}

}  // namespace rlx
