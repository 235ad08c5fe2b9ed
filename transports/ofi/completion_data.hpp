#pragma once
// Signals carried by 32 bits of remote completion data:
//
//   | word index | 6 bits part mod 64 | low bits of the hash |
//
// with 14 bits of word index and all 12 of hash where the target's region has at most 2^14 lines,
// 18 and 8 above (both sides know the length of the target's signal window).
//
// The target rebuilds the 64-bit value: the epoch is what the rank expects of the word's group
// (SignalRegion::expected), the part is the next one with these low bits after the last part
// delivered, and hash bits that were not sent are zero (capabilities().hash_bits, so that nobody
// compares them). Completion data may arrive in any order; parts of one word are delivered 1, 2, 3,
// ... and a word is stored only when all earlier parts have come, which makes the bytes of all
// earlier puts visible too.
//
// A writer keeps the span from its oldest undelivered signal to a rank to the newest below
// kMaxOutstanding (a count alone would not do: one late signal, and the parts go round). That is
// half of the range of the part. Where the provider's completions may run ahead of the target,
// signals are sent with delivery-complete, so that "delivered" means in the target's queue.

#include <cstdint>
#include <vector>

#include "rlx/signal_region.hpp"

namespace rlx::ofi {

inline constexpr std::uint32_t kPartBits = 6;
/// Signals of one writer to one rank, from the oldest that is not complete to the newest.
inline constexpr std::uint32_t kMaxOutstanding = 32;
/// The most lines a signal region can have with this protocol.
inline constexpr std::uint32_t kMaxLines = 1u << 18;

/// How the 32 bits are divided for a region of so many lines.
struct SignalCode {
  std::uint32_t hash_bits = 8;

  [[nodiscard]] static constexpr SignalCode for_lines(std::uint32_t lines) {
    return {lines <= (1u << 14) ? 12u : 8u};
  }
  [[nodiscard]] constexpr std::uint32_t encode(std::uint32_t word, std::uint64_t value) const {
    const std::uint32_t part = SignalValue::part(value) & ((1u << kPartBits) - 1);
    const std::uint32_t hash = SignalValue::hash(value) & ((1u << hash_bits) - 1);
    return (((word << kPartBits) | part) << hash_bits) | hash;
  }
  [[nodiscard]] constexpr std::uint32_t word(std::uint32_t data) const {
    return data >> (kPartBits + hash_bits);
  }
  [[nodiscard]] constexpr std::uint32_t part(std::uint32_t data) const {
    return (data >> hash_bits) & ((1u << kPartBits) - 1);
  }
  [[nodiscard]] constexpr std::uint16_t hash(std::uint32_t data) const {
    return static_cast<std::uint16_t>(data & ((1u << hash_bits) - 1));
  }
};

/// The target's side: one state per word. Used by the thread that reads the completion queue.
class RemoteSignals {
 public:
  /// Takes over a region whose words are to be stored. Allocates; not beside receive().
  void attach(SignalRegion region);
  /// One piece of completion data. False when it names a word that the region does not have.
  bool receive(std::uint32_t data) noexcept;

 private:
  struct Word {
    std::uint64_t epoch = 0;    // of the parts below
    std::uint64_t arrived = 0;  // bit i: part delivered + 1 + i has come, and waits for an earlier
    std::uint32_t delivered = 0;
    std::uint16_t hash[1u << kPartBits] = {};  // by part mod 64, of parts that have come
  };

  SignalRegion region_;
  SignalCode code_;
  std::vector<Word> words_;
};

}  // namespace rlx::ofi
