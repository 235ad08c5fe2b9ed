#pragma once
// Ranks as forked processes that a test can kill, and what each has: a transport over the board,
// with a signal region and one heap window that everybody has admitted.

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "rlx/config.hpp"
#include "rlx/signal_region.hpp"
#include "rlx/symmetric_transport.hpp"
#include "tests/transports/board.hpp"
#include "tests/transports/pages.hpp"
#include "transports/shm/shm_transport.hpp"

namespace rlx::test {

inline constexpr std::size_t kRankHeapBytes = std::size_t{1} << 16;

/// A setup whose exchange is the board's. `config` must outlive it.
[[nodiscard]] TransportSetup setup_on(Board& board, std::size_t rank, const Config& config);

using MakeTransport =
    std::function<std::unique_ptr<SymmetricTransport>(const TransportSetup& setup)>;

/// One rank, wired over what `make` gives. Throws what it throws.
class WiredRank {
 public:
  WiredRank(Board& board, std::size_t rank, const MakeTransport& make);

  [[nodiscard]] SymmetricTransport& transport() { return *transport_; }
  [[nodiscard]] SignalRegion signals() const { return {signal_memory_.data(), kLinesPerGroup}; }
  [[nodiscard]] std::span<std::byte> heap() const { return heap_memory_.all(); }
  [[nodiscard]] WindowNumber heap_window() const { return heap_window_; }
  /// Attaches on every rank, exchanges and admits.
  WindowNumber share(std::span<std::byte> memory, WindowRole role);
  /// Everybody's key of what they attach, by rank; admits nothing.
  std::vector<Window> announce(std::span<std::byte> memory, WindowRole role);
  /// Polls for `milliseconds` at most until the transport has failed; how long it took, or -1.
  double poll_until_failure(double milliseconds);
  /// Gives the transport back before its memory.
  void close() { transport_.reset(); }

 private:
  Board& board_;
  std::size_t rank_;
  Config config_;
  Pages signal_memory_{SignalRegion::bytes(kLinesPerGroup)};
  Pages heap_memory_{kRankHeapBytes};
  std::unique_ptr<SymmetricTransport> transport_;
  WindowNumber heap_window_ = 0;
};

/// Over shared memory.
class ShmRank : public WiredRank {
 public:
  ShmRank(Board& board, std::size_t rank, const ShmOptions& options = {});
};

/// Children that run `body(rank)`; what it throws or EXPECTs is printed, and shows in its exit
/// code.
class RankProcesses {
 public:
  RankProcesses(std::size_t ranks, const std::function<void(std::size_t rank)>& body);
  ~RankProcesses();  ///< kills what is left
  RankProcesses(const RankProcesses&) = delete;
  RankProcesses& operator=(const RankProcesses&) = delete;

  void kill(std::size_t rank);
  [[nodiscard]] pid_t pid(std::size_t rank) const { return children_[rank]; }
  /// The exit code, or 128 and the signal's number.
  int wait(std::size_t rank);
  /// Whether all that were not killed ended well.
  bool all_end_well();

 private:
  std::vector<pid_t> children_;  // 0: ended
};

/// Open file descriptors of this process.
[[nodiscard]] std::size_t open_descriptors();

}  // namespace rlx::test
