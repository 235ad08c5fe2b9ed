#include "lib/symmetric/address_range.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <utility>

namespace rlx::detail {

namespace {
constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
}  // namespace

AddressRange::~AddressRange() { unmap(); }

AddressRange::AddressRange(AddressRange&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)),
      mapped_(std::exchange(other.mapped_, 0)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

AddressRange& AddressRange::operator=(AddressRange&& other) noexcept {
  if (this == &other) return *this;
  unmap();
  mapping_ = std::exchange(other.mapping_, nullptr);
  mapped_ = std::exchange(other.mapped_, 0);
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

AddressRange AddressRange::reserve(std::size_t bytes, std::size_t alignment) {
  AddressRange range;
  const std::size_t mapped = bytes + alignment;
  void* const mapping = ::mmap(nullptr, mapped, PROT_NONE, kFlags, -1, 0);
  if (mapping == MAP_FAILED) return range;
  range.mapping_ = static_cast<std::byte*>(mapping);
  range.mapped_ = mapped;
  const auto address = reinterpret_cast<std::uintptr_t>(mapping);
  range.data_ = range.mapping_ + ((alignment - address % alignment) & (alignment - 1));
  range.size_ = bytes;
  return range;
}

AddressRange AddressRange::borrow(std::span<std::byte> memory) {
  AddressRange range;
  range.data_ = memory.data();
  range.size_ = memory.size();
  return range;
}

bool AddressRange::commit(std::size_t offset, std::size_t length) noexcept {
  if (::mprotect(data_ + offset, length, PROT_READ | PROT_WRITE) != 0) return false;
  // Advice only: where huge pages are off the memory is as good, with more page faults.
  static_cast<void>(::madvise(data_ + offset, length, MADV_HUGEPAGE));
  return true;
}

void AddressRange::decommit(std::size_t offset, std::size_t length) noexcept {
  // Mapping anew drops the pages and their contents; mprotect alone would keep both. If the system
  // refuses, the pages stay until the range goes.
  static_cast<void>(::mmap(data_ + offset, length, PROT_NONE, kFlags | MAP_FIXED, -1, 0));
}

void AddressRange::unmap() noexcept {
  if (mapping_ != nullptr) ::munmap(mapping_, mapped_);
}

}  // namespace rlx::detail
