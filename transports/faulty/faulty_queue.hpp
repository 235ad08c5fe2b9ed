#pragma once
// The accepted operations of a faulty transport, oldest first. Of fixed size, so that accepting one
// never allocates. Not thread-safe: the transport's mutex guards it.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "rlx/symmetric_transport.hpp"

namespace rlx {

using FaultyTime = std::chrono::steady_clock::time_point;

inline constexpr std::size_t kFaultyInlineBytes = 64;

/// What the caller asked for.
struct FaultyRequest {
  enum class Kind : std::uint8_t { put, get };  // a signal is a put of nothing
  Kind kind = Kind::put;
  Lane lane = 0;
  RemoteRef remote;
  LocalRef local;
  std::optional<Signal> signal;
};

struct FaultyOperation {
  enum class State : std::uint8_t {
    none,     // the slot is free
    waiting,  // accepted, not delivered
    sent,     // given to the inner transport, or a get in the target's mailbox
    landed    // over, but local completion is counted later
  };

  State state = State::none;
  FaultyRequest request;
  Completion* completion = nullptr;  // the caller's, alive until it is drained
  std::uint64_t sequence = 0;        // from 1
  std::uint64_t after = 0;           // the operation before on the same word; 0: none
  FaultyTime due;                    // waiting: delivery; landed: counting
  Completion inner;                  // of the inner operation
  std::array<std::byte, kFaultyInlineBytes> bytes;  // the source of small puts
};

class FaultyQueue {
 public:
  static constexpr std::size_t kCapacity = 4096;

  FaultyQueue() : slots_(std::make_unique<FaultyOperation[]>(kCapacity)) {}

  [[nodiscard]] bool full() const { return next_ - oldest_ == kCapacity; }
  [[nodiscard]] bool empty() const { return next_ == oldest_; }

  /// A fresh slot at the end; the queue must not be full. The state is set by the caller.
  FaultyOperation& push() {
    FaultyOperation& slot = at(next_);
    slot.sequence = next_++;
    slot.after = 0;
    slot.inner.issued.store(0, std::memory_order_relaxed);
    slot.inner.local.store(0, std::memory_order_relaxed);
    return slot;
  }

  /// Visits what is not over, oldest first.
  template <class Visit>
  void for_each(Visit visit) {
    for (std::uint64_t sequence = oldest_; sequence != next_; ++sequence) {
      if (at(sequence).state != FaultyOperation::State::none) visit(at(sequence));
    }
  }
  void forget_finished() {
    while (oldest_ != next_ && at(oldest_).state == FaultyOperation::State::none) ++oldest_;
  }

  /// The slot that holds this operation if it is not over, or nullptr.
  [[nodiscard]] FaultyOperation* find(std::uint64_t sequence) {
    FaultyOperation& slot = at(sequence);
    return slot.sequence == sequence && slot.state != FaultyOperation::State::none ? &slot
                                                                                   : nullptr;
  }

 private:
  [[nodiscard]] FaultyOperation& at(std::uint64_t sequence) { return slots_[sequence % kCapacity]; }

  std::unique_ptr<FaultyOperation[]> slots_;
  std::uint64_t oldest_ = 1;
  std::uint64_t next_ = 1;
};

}  // namespace rlx
