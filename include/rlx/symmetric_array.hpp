#pragma once
// Typed, owned symmetric memory: the same offset on every member of the communicator that allocated
// it. Move-only. Releasing is local and in any order; it takes effect when the last call already
// issued that names the memory has completed on this rank.

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "rlx/dtype.hpp"
#include "rlx/symmetric_buffer.hpp"

namespace rlx {

class Communicator;

namespace detail {

class DeviceMemory;

/// Untyped ownership of one allocation. Destroying releases it.
class SymmetricAllocation {
 public:
  virtual ~SymmetricAllocation() = default;
  std::byte* data = nullptr;
  SymmetricBuffer view;
};

/// Memory that a call names: where it starts, how much, and whether it is heap memory of this
/// Context by construction (never found out from the pointer, rule 8).
struct MemoryRef {
  std::byte* data = nullptr;
  std::size_t count = 0;  ///< elements
  bool symmetric = false;
  std::uint64_t offset = 0;  ///< heap offset, when symmetric
  /// Memory that only a device reaches; `data` then names its bytes (DeviceMemory::address()).
  DeviceMemory* device = nullptr;

  friend bool operator==(const MemoryRef&, const MemoryRef&) = default;
};

}  // namespace detail

/// The contents are zero at first. The Communicator's Context must outlive it (it does: the array
/// shares its ownership).
template <Element T>
class SymmetricArray {
 public:
  using value_type = T;

  SymmetricArray() = default;

  [[nodiscard]] T* data() const noexcept {
    return allocation_ ? reinterpret_cast<T*>(allocation_->data) : nullptr;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::span<T> span() const noexcept { return {data(), size_}; }
  /// (rank, offset, length in bytes) of my copy; `.on(other)` names a peer's.
  [[nodiscard]] SymmetricBuffer view() const noexcept {
    return allocation_ ? SymmetricBuffer{allocation_->view.rank, allocation_->view.offset,
                                         size_ * sizeof(T)}
                       : SymmetricBuffer{};
  }
  [[nodiscard]] T& operator[](std::size_t index) const noexcept { return data()[index]; }
  [[nodiscard]] T* begin() const noexcept { return data(); }
  [[nodiscard]] T* end() const noexcept { return data() + size_; }

  /// What collectives take; see detail::MemoryRef.
  [[nodiscard]] detail::MemoryRef memory() const noexcept {
    return {reinterpret_cast<std::byte*>(data()), size_, true,
            allocation_ ? allocation_->view.offset : 0};
  }

 private:
  friend class Communicator;
  SymmetricArray(std::unique_ptr<detail::SymmetricAllocation> allocation, std::size_t size)
      : allocation_(std::move(allocation)), size_(size) {}

  std::unique_ptr<detail::SymmetricAllocation> allocation_;
  std::size_t size_ = 0;
};

}  // namespace rlx
