#include "lib/driver/vulkan/address_map.hpp"

#include <algorithm>
#include <mutex>

namespace rlx::vulkan {

void AddressMap::insert(const MappedBuffer& mapped) {
  const std::lock_guard lock(mutex_);
  const auto place =
      std::upper_bound(entries_.begin(), entries_.end(), mapped.begin,
                       [](auto begin, const Entry& entry) { return begin < entry.mapped.begin; });
  entries_.insert(place, {mapped, 0});
  update_reach();
}

void AddressMap::erase(VkBuffer buffer) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.mapped.buffer == buffer; });
  update_reach();
}

void AddressMap::update_reach() {
  std::uintptr_t reach = 0;
  for (Entry& entry : entries_) {
    reach = std::max(reach, entry.mapped.begin + entry.mapped.bytes);
    entry.reach = reach;
  }
}

std::optional<Location> AddressMap::find(std::uintptr_t address) const {
  const std::shared_lock lock(mutex_);
  return find_locked(address);
}

std::optional<Location> AddressMap::find_locked(std::uintptr_t address) const {
  auto after =
      std::upper_bound(entries_.begin(), entries_.end(), address,
                       [](auto wanted, const Entry& entry) { return wanted < entry.mapped.begin; });
  std::optional<Location> best;
  while (after != entries_.begin() && (--after)->reach > address) {
    const MappedBuffer& mapped = after->mapped;
    const std::uint64_t offset = address - mapped.begin;
    if (offset >= mapped.bytes || (best && best->left >= mapped.bytes - offset)) continue;
    best = Location{mapped.buffer, offset, mapped.address + offset, mapped.bytes - offset,
                    mapped.host};
  }
  return best;
}

bool AddressMap::covers(std::uintptr_t address, std::uint64_t bytes) const {
  constexpr std::uint64_t kLargestElement = 8;
  const std::shared_lock lock(mutex_);
  std::uintptr_t at = address;
  std::uint64_t left = bytes;
  while (left > 0) {
    const std::optional<Location> location = find_locked(at);
    if (!location) return false;
    if (location->left >= left) return true;
    // The element at the border starts in this buffer: it ends in it, or the next buffer begins
    // early enough to hold all of it.
    const std::uint64_t whole =
        location->left - (location->left + (at - address)) % kLargestElement;
    if (whole == 0 || whole > location->left) return false;
    at += whole;
    left -= whole;
  }
  return true;
}

}  // namespace rlx::vulkan
