#pragma once
// One turn of measuring an interface (link_speed.hpp): this rank's puts to its target, and the
// acknowledgements that it owes its source.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "transports/ofi/rail.hpp"

namespace rlx::ofi {

/// Of a window that is measured with: signals are in kSignalWindow, as always.
inline constexpr WindowNumber kTrialWindow = 1;
inline constexpr std::size_t kTrialPutBytes = std::size_t{128} << 10;
inline constexpr std::uint32_t kTrialPuts = 40;  ///< of a turn, at most
inline constexpr std::size_t kTrialSignalBytes = SignalRegion::bytes(kLinesPerGroup);
inline constexpr std::size_t kTrialDataBytes = 2 * kTrialPutBytes;

/// Signals, what comes in, what goes out.
class TrialMemory {
 public:
  /// Throws CollectiveError(OutOfMemory).
  TrialMemory();
  ~TrialMemory();
  TrialMemory(const TrialMemory&) = delete;
  TrialMemory& operator=(const TrialMemory&) = delete;

  [[nodiscard]] std::span<std::byte> signals() const { return {begin(), kTrialSignalBytes}; }
  [[nodiscard]] std::span<std::byte> outgoing() const;
  /// Both.
  [[nodiscard]] std::span<std::byte> data() const;
  [[nodiscard]] SignalRegion region() const { return {begin(), kLinesPerGroup}; }
  /// Lets signals of this epoch in. Before an exchange, after which the others send them.
  void open(std::uint64_t epoch) const;
  /// Its contents are used no more; where nothing pins it, neither is its memory.
  void empty() const;

 private:
  [[nodiscard]] std::byte* begin() const { return static_cast<std::byte*>(pages_); }
  void* pages_;
};

/// To whom a rank puts, and who puts to it.
struct Partners {
  std::optional<Rank> target;
  std::optional<Rank> source;

  [[nodiscard]] std::vector<Rank> all() const;
  /// "to rank 1 and from rank 3"
  [[nodiscard]] std::string text() const;
};

/// One turn on one interface. Each put gives a speed: what was acknowledged from when it was sent
/// until it was, over that time. A rank that does not run for a while spoils those that were on
/// their way then and no others.
class Trial {
 public:
  /// All must outlive it. The epoch is open at all ranks.
  Trial(Rail& rail, const TrialMemory& memory, std::uint64_t epoch, const Partners& partners);

  /// A poll, so that all is known that has come, and something of it.
  void step() noexcept;
  /// I need nobody any more, and nobody needs my polls.
  [[nodiscard]] bool done() const noexcept;
  /// Bytes per microsecond of the later half of the puts; 0 where there was nobody to put to.
  [[nodiscard]] double speed() const;
  /// A partner is lost, and so there is no end.
  [[nodiscard]] bool lost() const noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  /// My source writes the first and the last, my target the second.
  enum Word : std::uint32_t { kData, kAcknowledged, kEnd };

  [[nodiscard]] std::uint32_t parts_of(Word word) const noexcept;
  bool signal(Rank to, Word word, std::uint32_t part, std::size_t bytes = 0) noexcept;
  void send() noexcept;
  void count(std::uint32_t acknowledged, Clock::time_point now) noexcept;
  void acknowledge() noexcept;

  Rail& rail_;
  const TrialMemory& memory_;
  std::uint64_t epoch_;
  std::optional<Rank> target_;
  std::optional<Rank> source_;
  Completion completion_;
  std::vector<double> speeds_;
  struct Put {
    Clock::time_point begin;
    std::uint32_t acknowledged = 0;  // by then
  };
  std::array<Put, kTrialPuts + 2> puts_{};  // by part, from 2
  std::uint32_t sent_ = 0;     // parts of kData; the first brings nothing, but connects
  std::uint32_t counted_ = 1;  // of those that were acknowledged
  std::uint32_t told_ = 0;     // acknowledged of my source's
  std::optional<Clock::time_point> begin_;
  bool ended_ = false;
};

}  // namespace rlx::ofi
