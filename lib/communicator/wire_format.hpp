#pragma once
// Bytes that ranks read from each other outside a collective: health, progress and call
// descriptors. All are 8-byte words, written by relaxed atomic stores and fetched by gets of one
// line, so that a reader never sees half a word. docs/memory_layout.md draws them.

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "rlx/error.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::detail {

// -- lines of group 0 of a signal region, one region per Context ---------------------------------
inline constexpr std::uint32_t kHealthLine = 0;  // word: the health word, the only one with
                                                 // several writers
inline constexpr std::uint32_t kSourceLine = 1;  // sources of my own small puts
inline constexpr std::uint32_t kDetailLine = 2;  // kDetailLines lines: my own error in words
inline constexpr std::uint32_t kDetailLines = 16;
inline constexpr std::uint32_t kFetchLine = 32;  // kFetchLines lines: what I fetched from a peer
inline constexpr std::uint32_t kFetchLines = 16;

/// The health word: from the top 8 bits of state (1: set), 8 of ErrorKind, 24 of origin, 24 of
/// subject (transport ranks). The subject, the rank that the error is about, travels in the word
/// itself because the origin may be gone before anybody can ask it. Zero is well; any other value
/// is final.
struct HealthWord {
  ErrorKind kind = ErrorKind::PeerFailed;
  std::uint32_t origin = 0;
  std::uint32_t subject = 0;

  [[nodiscard]] std::uint64_t encode() const {
    return (std::uint64_t{1} << 56) | (static_cast<std::uint64_t>(kind) << 48) |
           (std::uint64_t{origin & 0xffffffu} << 24) | (subject & 0xffffffu);
  }
  static HealthWord decode(std::uint64_t word) {
    return {static_cast<ErrorKind>((word >> 48) & 0xff),
            static_cast<std::uint32_t>((word >> 24) & 0xffffff),
            static_cast<std::uint32_t>(word & 0xffffff)};
  }
};

/// My error in words, for those who only saw my health word. Ranks are transport ranks.
struct HealthDetail {
  std::uint64_t sequence = 0;
  std::uint32_t rank_count = 0;
  std::uint32_t ranks[7] = {};
  char operation[40] = {};
  char step[120] = {};
  char message[824] = {};
};
static_assert(sizeof(HealthDetail) == kDetailLines * kLineBytes);

// -- the control block at the start of a communicator's memory -----------------------------------
inline constexpr std::size_t kDescriptors = 64;
inline constexpr std::size_t kControlBytes = 8192;
inline constexpr std::size_t kArrivalOffset = (1 + kDescriptors) * kLineBytes;  // W lines

/// What a knock fetches: how far this rank is. One line.
struct ProgressLine {
  std::uint64_t started = 0;    ///< epochs below this have started here
  std::uint64_t completed = 0;  ///< epochs below this are complete here
  std::uint64_t sequence = 0;   ///< calls made
  std::uint64_t awaited = 0;    ///< 1 + member that I have waited for longer than a knock; 0: none
  std::uint64_t steps = 0;      ///< grows whenever anything moves
  std::uint64_t core = 0;       ///< 1 + the core that it was last seen on; 0: not told
  std::uint64_t reserved[2] = {};
};
static_assert(sizeof(ProgressLine) == kLineBytes);

/// The arguments of one call, kept for the last kDescriptors calls (rule 9). One line.
struct CallDescriptor {
  std::uint64_t sequence = 0;  ///< number of the engine call, from 0
  std::uint64_t user_sequence = 0;
  std::uint64_t first_epoch = 0;
  std::uint64_t epochs = 0;
  std::uint64_t count = 0;
  std::uint64_t chain = 0;  ///< the 12 bits that its signals carry
  std::uint8_t operation = 0;
  std::uint8_t dtype = 0;
  std::uint8_t kind = 0;
  std::uint8_t in_place = 0;
  std::uint8_t symmetric_in = 0;
  std::uint8_t symmetric_out = 0;
  std::uint8_t purpose = 0;  ///< CallPurpose
  std::uint8_t valid = 0;
  std::uint64_t reserved = 0;

  [[nodiscard]] bool same_call(const CallDescriptor& other) const {
    return operation == other.operation && dtype == other.dtype && kind == other.kind &&
           in_place == other.in_place && symmetric_in == other.symmetric_in &&
           symmetric_out == other.symmetric_out && purpose == other.purpose && count == other.count;
  }
};
static_assert(sizeof(CallDescriptor) == kLineBytes);

/// The eight flags of a CallDescriptor as the word that they are in memory.
[[nodiscard]] constexpr std::uint64_t descriptor_flags(const CallDescriptor& d) {
  return std::uint64_t{d.operation} | std::uint64_t{d.dtype} << 8 | std::uint64_t{d.kind} << 16 |
         std::uint64_t{d.in_place} << 24 | std::uint64_t{d.symmetric_in} << 32 |
         std::uint64_t{d.symmetric_out} << 40 | std::uint64_t{d.purpose} << 48 |
         std::uint64_t{d.valid} << 56;
}
static_assert(std::endian::native == std::endian::little);
static_assert(offsetof(CallDescriptor, operation) == 6 * sizeof(std::uint64_t));

/// Stores words one after the other for readers on other ranks. Cheaper than an object that was put
/// together byte by byte and is read back in words.
template <class... Words>
void publish_words(std::byte* to, Words... words) {
  auto* target = reinterpret_cast<std::atomic<std::uint64_t>*>(to);
  (target++->store(words, std::memory_order_relaxed), ...);
}

/// Publishes an object of whole words for readers on other ranks.
template <class T>
void publish(std::byte* to, const T& value) {
  static_assert(sizeof(T) % sizeof(std::uint64_t) == 0);
  std::uint64_t words[sizeof(T) / sizeof(std::uint64_t)];
  std::memcpy(words, &value, sizeof value);
  auto* target = reinterpret_cast<std::atomic<std::uint64_t>*>(to);
  for (std::size_t i = 0; i < std::size(words); ++i)
    target[i].store(words[i], std::memory_order_relaxed);
}

}  // namespace rlx::detail
