// Bootstrap between threads of one process: one shared board, one round at a time.

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>

#include "lib/bootstrap/bootstraps.hpp"
#include "lib/bootstrap/deadline.hpp"
#include "rlx/error.hpp"

namespace rlx {
namespace {

/// What the threads share. Everything is guarded by `mutex`.
struct Board {
  explicit Board(std::size_t size, double timeout)
      : timeout_seconds(timeout), present(size, false), gone(size, false) {}

  const double timeout_seconds;
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t round = 0;  // rounds completed
  std::size_t arrived = 0;  // ranks in the running round
  std::size_t length = 0;   // bytes per rank of the running round
  std::vector<bool> present;
  std::vector<bool> gone;             // ranks whose bootstrap was destroyed
  std::vector<std::byte> collecting;  // the running round
  std::vector<std::byte> published;   // the last complete round; nobody enters the next but one
                                      // before all have copied it out
  std::string failure;                // the first cause; empty while all is well
  std::vector<Rank> culprits;
};

std::vector<std::size_t> where(const std::vector<bool>& flags, bool value) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < flags.size(); ++i)
    if (flags[i] == value) indices.push_back(i);
  return indices;
}

/// Keeps the first cause and wakes everybody.
void fail(Board& board, std::string message, const std::vector<std::size_t>& ranks) {
  if (!board.failure.empty()) return;
  board.failure = std::move(message);
  for (const std::size_t rank : ranks)
    board.culprits.emplace_back(static_cast<std::uint32_t>(rank));
  board.changed.notify_all();
}

void throw_if_failed(const Board& board, const std::string& phase) {
  if (!board.failure.empty())
    throw CollectiveError(ErrorKind::Launch, phase, board.failure, board.culprits);
}

class ThreadBootstrap final : public Bootstrap {
 public:
  ThreadBootstrap(Rank rank, std::shared_ptr<Board> board)
      : rank_(rank), board_(std::move(board)) {}
  ~ThreadBootstrap() override {
    const std::lock_guard lock(board_->mutex);
    board_->gone[rank_.index()] = true;
    board_->changed.notify_all();
  }

  [[nodiscard]] Rank rank() const override { return rank_; }
  [[nodiscard]] std::size_t size() const override { return board_->present.size(); }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    exchange("bootstrap all_gather", mine, all);
  }
  void barrier() override { exchange("bootstrap barrier", {}, {}); }

 private:
  void exchange(const char* phase, std::span<const std::byte> mine, std::span<std::byte> all) {
    if (all.size() != mine.size() * size())
      throw CollectiveError(ErrorKind::LengthMismatch, phase,
                            fmt::format("{} bytes for the result of {} ranks with {} bytes each",
                                        all.size(), size(), mine.size()));
    std::unique_lock lock(board_->mutex);
    throw_if_failed(*board_, phase);
    const std::uint64_t my_round = board_->round;
    contribute(phase, mine);
    wait_for_all(phase, my_round, lock);
    std::ranges::copy(board_->published, all.begin());
  }

  void contribute(const char* phase, std::span<const std::byte> mine) {
    Board& board = *board_;
    if (board.arrived == 0) {
      board.length = mine.size();
      board.collecting.resize(mine.size() * size());
    }
    if (board.length != mine.size())
      fail(board,
           fmt::format("rank {} gave {} bytes where others gave {}", rank_.value(), mine.size(),
                       board.length),
           {rank_.index()});
    throw_if_failed(board, phase);
    std::ranges::copy(
        mine, board.collecting.begin() + static_cast<std::ptrdiff_t>(rank_.index() * mine.size()));
    board.present[rank_.index()] = true;
    if (++board.arrived < size()) return;
    board.arrived = 0;
    board.present.assign(size(), false);
    board.published.swap(board.collecting);
    ++board.round;
    board.changed.notify_all();
  }

  void wait_for_all(const char* phase, std::uint64_t my_round, std::unique_lock<std::mutex>& lock) {
    Board& board = *board_;
    const auto deadline = bootstrap::Deadline::after(board.timeout_seconds);
    while (board.round == my_round) {
      if (const auto left = absent_for_good(); !left.empty())
        fail(board, fmt::format("rank(s) {} ended before they arrived", fmt::join(left, ", ")),
             left);
      throw_if_failed(board, phase);
      if (board.changed.wait_until(lock, deadline.moment()) == std::cv_status::no_timeout) continue;
      if (board.round != my_round) break;
      const auto missing = where(board.present, false);
      fail(board,
           fmt::format("rank(s) {} did not arrive within {} s (RLX_STARTUP_TIMEOUT)",
                       fmt::join(missing, ", "), board.timeout_seconds),
           missing);
    }
  }

  /// Ranks that the running round waits for and whose bootstrap is gone.
  [[nodiscard]] std::vector<std::size_t> absent_for_good() const {
    std::vector<std::size_t> left = where(board_->gone, true);
    std::erase_if(left, [&](std::size_t rank) { return board_->present[rank]; });
    return left;
  }

  Rank rank_;
  std::shared_ptr<Board> board_;  // shared by the ranks; the last one out destroys it
};

}  // namespace

std::vector<std::unique_ptr<Bootstrap>> thread_bootstraps(std::size_t n, double timeout_seconds) {
  if (n == 0)
    throw CollectiveError(ErrorKind::InvalidArgument, "thread_bootstraps",
                          "0 ranks; give at least 1");
  const auto board = std::make_shared<Board>(n, timeout_seconds);
  std::vector<std::unique_ptr<Bootstrap>> ranks;
  for (std::size_t i = 0; i < n; ++i)
    ranks.push_back(std::make_unique<ThreadBootstrap>(Rank(static_cast<std::uint32_t>(i)), board));
  return ranks;
}

}  // namespace rlx
