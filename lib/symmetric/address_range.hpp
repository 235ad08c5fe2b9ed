#pragma once
// Ownership of an anonymous mapping: addresses first, memory where it is committed.

#include <cstddef>
#include <span>

namespace rlx::detail {

/// Move-only. Addresses without memory until commit(); everything goes back with the object.
class AddressRange {
 public:
  AddressRange() = default;
  ~AddressRange();
  AddressRange(AddressRange&& other) noexcept;
  AddressRange& operator=(AddressRange&& other) noexcept;

  /// `bytes` of addresses that start at a multiple of `alignment` (a power of two, at least a
  /// page). Empty, with errno set, when they are refused.
  [[nodiscard]] static AddressRange reserve(std::size_t bytes, std::size_t alignment);

  /// Memory of somebody else, readable and writable, which stays theirs.
  [[nodiscard]] static AddressRange borrow(std::span<std::byte> memory);

  /// Makes [offset, offset + length) readable, writable and zero; both are multiples of a page.
  /// False, with errno set, when the system refuses.
  [[nodiscard]] bool commit(std::size_t offset, std::size_t length) noexcept;
  /// Gives the memory of a committed range back; the addresses stay reserved.
  void decommit(std::size_t offset, std::size_t length) noexcept;

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  void unmap() noexcept;

  std::byte* mapping_ = nullptr;  // as mapped; data_ is its first aligned address
  std::size_t mapped_ = 0;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace rlx::detail
