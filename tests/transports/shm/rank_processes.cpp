#include "tests/transports/shm/rank_processes.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace rlx::test {

using Clock = std::chrono::steady_clock;

TransportSetup setup_on(Board& board, std::size_t rank, const Config& config) {
  TransportSetup setup;
  setup.rank = Rank(static_cast<std::uint32_t>(rank));
  setup.size = board.size();
  setup.config = &config;
  setup.exchange = [&board, rank](std::span<const std::byte> mine) {
    return board.exchange(rank, mine);
  };
  return setup;
}

ShmRank::ShmRank(Board& board, std::size_t rank, const ShmOptions& options)
    : WiredRank(board, rank, [&options](const TransportSetup& setup) {
        ShmAttempt attempt = try_shm(setup, options);
        if (!attempt.transport) throw std::runtime_error(attempt.refusal->why);
        return std::move(attempt.transport);
      }) {}

WiredRank::WiredRank(Board& board, std::size_t rank, const MakeTransport& make)
    : board_(board), rank_(rank) {
  config_.startup_timeout = 10;
  transport_ = make(setup_on(board, rank, config_));
  share(signal_memory_.all(), WindowRole::signals);
  heap_window_ = share(heap_memory_.all(), WindowRole::heap);
}

std::vector<Window> WiredRank::announce(std::span<std::byte> memory, WindowRole role) {
  const auto window = transport_->attach(memory, role);
  if (!window) throw std::runtime_error(transport_->failure()->message);
  const auto all = board_.exchange(rank_, std::as_bytes(std::span(&*window, 1)));
  std::vector<Window> windows(board_.size());
  std::memcpy(static_cast<void*>(windows.data()), all.data(), all.size());
  return windows;
}

WindowNumber WiredRank::share(std::span<std::byte> memory, WindowRole role) {
  const auto windows = announce(memory, role);
  for (std::uint32_t peer = 0; peer < windows.size(); ++peer)
    if (!transport_->admit(Rank(peer), windows[peer].number, windows[peer].key))
      throw std::runtime_error(transport_->failure()->message);
  return windows[rank_].number;
}

double WiredRank::poll_until_failure(double milliseconds) {
  const auto begin = Clock::now();
  const auto passed = [&] {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  };
  while (passed() < milliseconds) {
    transport_->progress();
    if (transport_->has_failed()) return passed();
    std::this_thread::yield();
  }
  return -1;
}

RankProcesses::RankProcesses(std::size_t ranks, const std::function<void(std::size_t rank)>& body) {
  std::fflush(nullptr);
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      try {
        body(rank);
      } catch (const std::exception& error) {
        ADD_FAILURE() << "rank " << rank << ": " << error.what();
      }
      std::fflush(nullptr);
      ::_exit(testing::Test::HasFailure() ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    children_.push_back(child);
  }
}

RankProcesses::~RankProcesses() {
  for (std::size_t rank = 0; rank < children_.size(); ++rank) kill(rank);
}

void RankProcesses::kill(std::size_t rank) {
  if (children_[rank] == 0) return;
  ::kill(children_[rank], SIGKILL);
  ::waitpid(children_[rank], nullptr, 0);
  children_[rank] = 0;
}

int RankProcesses::wait(std::size_t rank) {
  int status = 0;
  if (::waitpid(children_[rank], &status, 0) != children_[rank]) return -1;
  children_[rank] = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool RankProcesses::all_end_well() {
  bool well = true;
  for (std::size_t rank = 0; rank < children_.size(); ++rank)
    if (children_[rank] != 0) well = wait(rank) == EXIT_SUCCESS && well;
  return well;
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace rlx::test
