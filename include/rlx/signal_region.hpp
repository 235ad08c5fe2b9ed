#pragma once
// The layout of a signal region: an array of 64-byte lines, then one expected epoch per group.
//
//   line i   : [ 8-byte value | 56 bytes of payload ]      one writer within an epoch
//   group g  : lines 74 g .. 74 g + 73, the first 64 of them words of one set of one communicator
//   tail     : per group one 8-byte `expected` value: the signal value with part and hash zero of
//              the epoch that this group's next signals belong to. Written by the rank itself when
//              it opens the set; read by transports that rebuild values from 32 bits of completion
//              data, and by nobody else.
//
// A value is, from the top, 40 bits of epoch, 12 bits of part, 12 bits of hash. It only grows
// (signed difference), is never reset, and is compared with >= on epoch and part.

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace rlx {

inline constexpr std::size_t kLineBytes = 64;
inline constexpr std::size_t kLinePayload = 56;
inline constexpr std::uint32_t kWordsPerSet = 64;
/// Ten more than words: groups of a page each would have the same words of all sets compete for the
/// few places of a first-level cache for lines that are 4 KiB apart.
inline constexpr std::uint32_t kLinesPerGroup = kWordsPerSet + 10;
inline constexpr std::uint32_t kMaxPart = 4095;

struct SignalValue {
  static constexpr std::uint64_t make(std::uint64_t epoch, std::uint32_t part, std::uint32_t hash) {
    return (epoch << 24) | (std::uint64_t{part & 0xfffu} << 12) | (hash & 0xfffu);
  }
  static constexpr std::uint64_t epoch(std::uint64_t value) { return value >> 24; }
  static constexpr std::uint32_t part(std::uint64_t value) { return (value >> 12) & 0xfffu; }
  static constexpr std::uint32_t hash(std::uint64_t value) { return value & 0xfffu; }
  /// Whether `value` has reached epoch and part of `wanted` (its hash is not compared).
  static constexpr bool reached(std::uint64_t value, std::uint64_t wanted) {
    return static_cast<std::int64_t>((value & ~0xfffull) - (wanted & ~0xfffull)) >= 0;
  }
};

/// A view of one rank's own signal region. Not an owner.
class SignalRegion {
 public:
  SignalRegion() = default;
  SignalRegion(std::byte* memory, std::uint32_t lines) : memory_(memory), lines_(lines) {}

  /// Bytes of a region of `lines` lines (a multiple of kLinesPerGroup).
  static constexpr std::size_t bytes(std::uint32_t lines) {
    return lines * kLineBytes + lines / kLinesPerGroup * sizeof(std::uint64_t);
  }
  /// The number of lines of a region of so many bytes: inverse of bytes().
  static constexpr std::uint32_t lines_of(std::size_t bytes) {
    constexpr std::size_t group = kLinesPerGroup * kLineBytes + sizeof(std::uint64_t);
    return static_cast<std::uint32_t>(bytes / group) * kLinesPerGroup;
  }

  [[nodiscard]] std::uint32_t lines() const { return lines_; }
  [[nodiscard]] std::byte* line(std::uint32_t index) const { return memory_ + index * kLineBytes; }
  [[nodiscard]] std::byte* payload(std::uint32_t index) const { return line(index) + 8; }
  /// The word of a line, for acquire loads by the waiter and release stores by the writer.
  [[nodiscard]] std::atomic<std::uint64_t>& word(std::uint32_t index) const {
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(line(index));
  }
  [[nodiscard]] std::atomic<std::uint64_t>& expected(std::uint32_t group) const {
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(memory_ + lines_ * kLineBytes +
                                                          group * sizeof(std::uint64_t));
  }

 private:
  std::byte* memory_ = nullptr;
  std::uint32_t lines_ = 0;
};

}  // namespace rlx
