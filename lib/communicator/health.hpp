#pragma once
// The health line (rule 12): how one rank's failure reaches every rank that polls, in O(log p)
// hops.

#include <cstdint>
#include <deque>

#include "lib/communicator/wire_format.hpp"
#include "rlx/symmetric_transport.hpp"

namespace rlx::detail {

class Health {
 public:
  Health(SymmetricTransport& transport) : transport_(transport) {}

  void open(SignalRegion signals) noexcept { signals_ = signals; }

  /// My own health word: zero is well. With every poll.
  [[nodiscard]] std::uint64_t word() const noexcept {
    return signals_.word(kHealthLine).load(std::memory_order_acquire);
  }
  /// Writes my error in words, latches my word, and puts it to r +- 2^k.
  void announce(const ErrorDetails& cause) noexcept;
  /// Passes a word on that somebody else wrote, once.
  void forward(std::uint64_t word) noexcept;
  /// What the origin of a word says about it. Fetched from the origin for at most 200 ms; when it
  /// does not answer, what the word itself tells.
  [[nodiscard]] ErrorDetails explain(std::uint64_t word) noexcept;
  /// Fetches whole lines of a peer's memory into my fetch lines; false after `seconds` or a
  /// failure.
  bool fetch(RemoteRef from, std::uint32_t lines, double seconds) noexcept;
  [[nodiscard]] const std::byte* fetched() const noexcept { return signals_.line(kFetchLine); }
  /// Polls until my health puts are out, at most 50 ms.
  void flush() noexcept;

 private:
  void put_word(Rank to, std::uint64_t word) noexcept;

  SymmetricTransport& transport_;
  SignalRegion signals_;
  bool told_ = false;
  Completion puts_;
  std::deque<Completion> fetches_;  // kept: an abandoned get may still complete
};

}  // namespace rlx::detail
