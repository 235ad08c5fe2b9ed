#include "lib/symmetric/offset_allocator.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace rlx::detail {

namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}
std::uint64_t round_down(std::uint64_t value, std::uint64_t unit) { return value / unit * unit; }

// The last element of an ordered map that starts at or below `offset`, or end().
template <class Map>
auto at_or_below(Map& map, std::uint64_t offset) {
  auto after = map.upper_bound(offset);
  return after == map.begin() ? map.end() : std::prev(after);
}

}  // namespace

void OffsetAllocator::adopt_whole() {
  if (limit_ == 0) return;
  extents_.emplace(0, Extent{limit_, true});
  committed_ = limit_;
}

Fit OffsetAllocator::first_fit(const FitRequest& request, std::uint64_t at_least) const {
  if (request.bytes > limit_) return {};
  std::uint64_t at = round_up(at_least, request.alignment);
  while (at <= limit_ - request.bytes) {
    const Region region = region_at(at);
    if (request.bytes > region.end - at) {
      at = round_up(region.end, request.alignment);
      continue;
    }
    const auto block = overlapping(at, at + request.bytes);
    if (block == blocks_.end()) return {Fit::Kind::found, at, region.ready};
    const std::optional<std::uint64_t>& holder = block->second.reserved_by;
    if (request.manners == Manners::yields && holder && *holder < request.communicator) {
      return {Fit::Kind::pass, 0, false};
    }
    at = round_up(block->first + block->second.bytes, request.alignment);
  }
  return {};
}

OffsetAllocator::Region OffsetAllocator::region_at(std::uint64_t offset) const {
  const auto after = extents_.upper_bound(offset);
  Region gap{0, after == extents_.end() ? limit_ : after->first};
  if (after == extents_.begin()) return gap;
  const auto& [begin, extent] = *std::prev(after);
  if (offset < begin + extent.bytes) return {begin, begin + extent.bytes, true, extent.ready};
  gap.begin = begin + extent.bytes;
  return gap;
}

OffsetAllocator::Blocks::const_iterator OffsetAllocator::overlapping(std::uint64_t begin,
                                                                     std::uint64_t end) const {
  auto block = at_or_below(blocks_, begin);
  if (block == blocks_.end()) {
    block = blocks_.begin();
  } else if (block->first + block->second.bytes <= begin) {
    ++block;
  }
  return block != blocks_.end() && block->first < end ? block : blocks_.end();
}

void OffsetAllocator::reserve(std::uint64_t offset, const FitRequest& request) {
  assert(overlapping(offset, offset + request.bytes) == blocks_.end());
  blocks_.emplace(offset, Block{request.bytes, request.communicator});
}

void OffsetAllocator::drop_reservation(std::uint64_t offset) {
  assert(blocks_.at(offset).reserved_by);
  blocks_.erase(offset);
}

void OffsetAllocator::settle(std::uint64_t offset) {
  Block& block = blocks_.at(offset);
  block.reserved_by.reset();
  allocated_ += block.bytes;
}

bool OffsetAllocator::release(std::uint64_t offset) {
  const auto block = blocks_.find(offset);
  if (block == blocks_.end() || block->second.reserved_by) return false;
  dirty_.emplace(offset, block->second.bytes);
  allocated_ -= block->second.bytes;
  blocks_.erase(block);
  return true;
}

bool OffsetAllocator::is_ready(std::uint64_t offset) const { return region_at(offset).ready; }

HeapExtent OffsetAllocator::plan_extent(std::uint64_t offset) {
  const Region gap = region_at(offset);
  assert(!gap.is_extent);
  // A small heap grows in small steps, since no allocation may cross from one into the next.
  const std::uint64_t step = std::clamp(round_down(limit_ / 8, kHugePage), kHugePage, kUsualExtent);
  std::uint64_t begin = std::max(gap.begin, round_down(offset, kHugePage));
  std::uint64_t end = round_up(offset + blocks_.at(offset).bytes, kHugePage);
  end = std::min(gap.end, std::max(end, begin + step));
  // Blocks at the borders are taken in whole. Both loops end: blocks of a gap lie inside it.
  for (auto block = overlapping(begin, end); block != blocks_.end() && block->first < begin;
       block = overlapping(begin, end)) {
    begin = std::max(gap.begin, round_down(block->first, kHugePage));
  }
  for (auto block = overlapping(end - 1, end);
       block != blocks_.end() && block->first + block->second.bytes > end;
       block = overlapping(end - 1, end)) {
    end = std::min(gap.end, round_up(block->first + block->second.bytes, kHugePage));
  }
  extents_.emplace(begin, Extent{end - begin, false});
  return {begin, end - begin};
}

void OffsetAllocator::make_ready(std::uint64_t extent) {
  Extent& found = extents_.at(extent);
  found.ready = true;
  committed_ += found.bytes;
}

void OffsetAllocator::drop_extent(std::uint64_t extent) {
  const auto found = extents_.find(extent);
  if (found->second.ready) committed_ -= found->second.bytes;
  extents_.erase(found);
}

std::vector<HeapExtent> OffsetAllocator::take_dirty(std::uint64_t offset, std::uint64_t bytes) {
  std::vector<HeapExtent> taken;
  const std::uint64_t end = offset + bytes;
  auto range = at_or_below(dirty_, offset);
  if (range == dirty_.end()) range = dirty_.begin();
  while (range != dirty_.end() && range->first < end) {
    const std::uint64_t from = std::max(offset, range->first);
    const std::uint64_t range_begin = range->first;
    const std::uint64_t range_end = range_begin + range->second;
    const std::uint64_t to = std::min(end, range_end);
    if (from >= to) {
      ++range;
      continue;
    }
    taken.push_back({from, to - from});
    range = dirty_.erase(range);
    if (range_begin < from) dirty_.emplace(range_begin, from - range_begin);
    if (to < range_end) range = dirty_.emplace(to, range_end - to).first;
  }
  return taken;
}

HeapExtent OffsetAllocator::extent_at(std::uint64_t offset) const {
  if (offset >= limit_) return {};
  const Region region = region_at(offset);
  return region.ready ? HeapExtent{region.begin, region.end - region.begin} : HeapExtent{};
}

std::uint64_t OffsetAllocator::largest_fit(std::uint64_t alignment) const {
  std::uint64_t largest = 0;
  std::uint64_t at = 0;
  while (at < limit_) {
    const Region region = region_at(at);
    const auto block = overlapping(at, region.end);
    const std::uint64_t free_end = block == blocks_.end() ? region.end : block->first;
    const std::uint64_t start = round_up(at, alignment);
    if (start < free_end) largest = std::max(largest, free_end - start);
    at = block == blocks_.end() ? region.end : block->first + block->second.bytes;
  }
  return largest;
}

}  // namespace rlx::detail
