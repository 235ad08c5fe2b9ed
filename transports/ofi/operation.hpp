#pragma once
// One put, put_signal, get or signal on its way, and the libfabric calls it is made of. Both come
// from pools that are filled once.

#include <rdma/fabric.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "rlx/symmetric_transport.hpp"

namespace rlx::ofi {

struct Peer;

enum class OperationKind : std::uint8_t { put, put_signal, get };

/// What is still to be posted, and what has been and is not complete.
struct Operation {
  Operation* next = nullptr;         // in the free list or the backlog
  Operation* next_signal = nullptr;  // in the peer's list of undelivered signals
  Completion* completion = nullptr;
  Peer* peer = nullptr;
  // The data not yet posted.
  std::byte* data = nullptr;
  std::size_t length = 0;
  void* descriptor = nullptr;
  std::uint64_t address = 0;
  std::uint64_t key = 0;
  // The signal. `value` is the source of the write where nothing can be injected.
  std::uint64_t value = 0;
  std::uint32_t word = 0;
  std::uint32_t signal_number = 0;  // counted by peer
  std::uint32_t outstanding = 0;    // calls posted and not complete
  OperationKind kind = OperationKind::put;
  bool posted = false;  // nothing left to post
  bool queued = false;  // in the backlog, or being advanced
  bool inject = false;  // short enough to be copied at issue
};

/// One libfabric call. Its context comes first: it is what the completion queue gives back, and the
/// provider's to write on meanwhile (FI_CONTEXT, FI_CONTEXT2).
struct Post {
  fi_context2 context{};
  Operation* operation = nullptr;
  Post* next = nullptr;
};

/// A fixed number of T, linked by T::next while free.
template <class T>
class Pool {
 public:
  explicit Pool(std::size_t size) : items_(std::make_unique<T[]>(size)), size_(size) {
    for (std::size_t i = size; i-- > 0;) give(&items_[i]);
  }
  [[nodiscard]] T* take() noexcept {
    T* item = free_;
    if (item != nullptr) free_ = item->next;
    return item;
  }
  void give(T* item) noexcept {
    item->next = free_;
    free_ = item;
  }
  [[nodiscard]] bool empty() const noexcept { return free_ == nullptr; }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept {
    return {reinterpret_cast<std::byte*>(items_.get()), size_ * sizeof(T)};
  }

 private:
  std::unique_ptr<T[]> items_;
  std::size_t size_;
  T* free_ = nullptr;
};

}  // namespace rlx::ofi
