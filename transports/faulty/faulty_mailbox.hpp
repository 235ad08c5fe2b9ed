#pragma once
// How the faulty transport emulates a target that must poll: what arrives waits in the target's
// mailbox. Ranks are threads of one process.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "rlx/symmetric_transport.hpp"

namespace rlx {

class FaultyMailbox;

/// Completion data of a signal: 14 bits of word index, 6 of the part, 12 of hash.
struct FaultySignalData {
  static constexpr std::uint32_t kWords = 1u << 14;
  static constexpr std::uint32_t kParts = 1u << 6;

  [[nodiscard]] static constexpr std::uint32_t encode(std::uint32_t index, std::uint64_t value) {
    return (index << 18) | ((SignalValue::part(value) % kParts) << 12) | SignalValue::hash(value);
  }
  [[nodiscard]] static constexpr std::uint32_t index(std::uint32_t data) { return data >> 18; }
  /// The value that `data` stands for: the next one with its part after `word`, in the epoch that
  /// `expected` opens.
  [[nodiscard]] static constexpr std::uint64_t decode(std::uint32_t data, std::uint64_t word,
                                                      std::uint64_t expected) {
    const std::uint64_t epoch = SignalValue::epoch(expected);
    const std::uint32_t last = SignalValue::epoch(word) == epoch ? SignalValue::part(word) : 0;
    const std::uint32_t step = (((data >> 12) - last - 1) % kParts) + 1;
    return SignalValue::make(epoch, last + step, data & 0xfffu);
  }
};

struct FaultyMessage {
  enum class Kind : std::uint8_t { put, get, reply };
  Kind kind = Kind::put;
  RemoteRef at;                           ///< put, get: my bytes
  std::vector<std::byte> bytes;           ///< put, reply
  std::size_t length = 0;                 ///< get: bytes wanted
  std::optional<Signal> signal;           ///< put: with its full value ...
  std::uint32_t data = 0;                 ///< ... or what is left of it, under cqdata
  std::shared_ptr<FaultyMailbox> answer;  ///< get: shared with the asker, who may go meanwhile
  std::uint64_t sequence = 0;             ///< get, reply: the asker's operation
};

/// Many writers, one reader.
class FaultyMailbox : public std::enable_shared_from_this<FaultyMailbox> {
 public:
  static constexpr std::size_t kCapacity = 4096;

  /// False when the box is full (replies are always taken: their number is bounded by the asker).
  [[nodiscard]] bool post(FaultyMessage&& message) {
    const std::lock_guard lock(mutex_);
    if (messages_.size() >= kCapacity && message.kind != FaultyMessage::Kind::reply) return false;
    messages_.push_back(std::move(message));
    return true;
  }
  /// Everything that has come, in order.
  [[nodiscard]] std::deque<FaultyMessage> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(messages_, {});
  }

 private:
  std::mutex mutex_;
  std::deque<FaultyMessage> messages_;
};

}  // namespace rlx
