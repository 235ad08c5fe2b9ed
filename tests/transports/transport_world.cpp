// The ranks of the conformance suite: threads or processes, their memory, and how they meet.

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "tests/transports/board.hpp"
#include "tests/transports/pages.hpp"
#include "tests/transports/transport_suite.hpp"

namespace rlx::test {

namespace {

using Clock = std::chrono::steady_clock;

struct Seat {
  Pages signal_memory{SignalRegion::bytes(kSuiteLines)};
  Pages heap_memory{kSuiteHeapBytes};
  std::unique_ptr<SymmetricTransport> transport;  // after the memory: it goes first
  WindowNumber heap_window = 0;
};

}  // namespace

class World {
 public:
  explicit World(std::size_t ranks) : board(ranks), seats(ranks) {}

  Board board;
  std::vector<Seat> seats;
};

std::size_t RankWorld::size() const { return world_.seats.size(); }
SymmetricTransport& RankWorld::transport() const { return *world_.seats[rank_.index()].transport; }
SignalRegion RankWorld::signals() const {
  return {world_.seats[rank_.index()].signal_memory.data(), kSuiteLines};
}
std::span<std::byte> RankWorld::heap() const {
  return world_.seats[rank_.index()].heap_memory.all();
}
WindowNumber RankWorld::heap_window() const { return world_.seats[rank_.index()].heap_window; }

RemoteRef RankWorld::on(Rank rank, std::uint64_t offset) const {
  return {rank, heap_window(), offset};
}
LocalRef RankWorld::mine(std::uint64_t offset, std::size_t length) const {
  return {heap().data() + offset, length, heap_window()};
}

void RankWorld::poll_until(const std::function<bool()>& condition, const std::string& what) const {
  const auto deadline = Clock::now() + Board::kPatience;
  while (!condition()) {
    if (world_.board.abandoned()) throw std::runtime_error("another rank failed before " + what);
    if (Clock::now() > deadline) throw std::runtime_error("nothing for 20 s: " + what);
    if (!transport().progress()) std::this_thread::yield();
  }
}

void RankWorld::wait_word(std::uint32_t index, std::uint32_t part, std::uint64_t epoch) const {
  const std::uint64_t wanted = SignalValue::make(epoch, part, 0);
  poll_until(
      [&] {
        return SignalValue::reached(signals().word(index).load(std::memory_order_acquire), wanted);
      },
      "word " + std::to_string(index) + " part " + std::to_string(part));
}

void RankWorld::insist(const std::function<Issue()>& issue) const {
  Issue last = issue();
  poll_until([&] { return last != Issue::busy || (last = issue()) != Issue::busy; }, "an issue");
  if (last == Issue::done) return;
  const auto failure = transport().failure();
  throw std::runtime_error("an issue failed: " + (failure ? failure->message : "no cause kept"));
}

void RankWorld::drain(const Completion& completion) const {
  poll_until([&] { return completion.drained(); }, "local completion");
}

void RankWorld::barrier() const {
  const std::uint64_t generation = world_.board.arrive();
  poll_until([&] { return world_.board.all_arrived(generation); }, "a barrier");
}

std::vector<std::byte> RankWorld::exchange(std::span<const std::byte> mine) const {
  return world_.board.exchange(rank_.index(), mine);
}

void RankWorld::open_epoch(std::uint64_t epoch) const {
  for (std::uint32_t group = 0; group < kSuiteLines / kLinesPerGroup; ++group) {
    signals().expected(group).store(SignalValue::make(epoch, 0, 0), std::memory_order_release);
  }
}

WindowNumber RankWorld::share(std::span<std::byte> memory, WindowRole role) const {
  const std::optional<Window> window = transport().attach(memory, role);
  if (!window) throw std::runtime_error("attach: " + transport().failure()->message);
  const auto keys = exchange(std::as_bytes(std::span(&window->key, 1)));
  for (std::size_t peer = 0; peer < size(); ++peer) {
    WindowKey key;
    std::memcpy(static_cast<void*>(&key), keys.data() + peer * sizeof(key), sizeof(key));
    if (!transport().admit(Rank(static_cast<std::uint32_t>(peer)), window->number, key)) {
      throw std::runtime_error("admit: " + transport().failure()->message);
    }
  }
  return window->number;
}

namespace {

void run_rank(const TransportCase& how, World& world, Rank rank,
              const std::function<void(RankWorld&)>& body) {
  RankWorld self(world, rank);
  const Config config;
  TransportSetup setup;
  setup.rank = rank;
  setup.size = world.seats.size();
  setup.config = &config;
  setup.exchange = [&](std::span<const std::byte> mine) { return self.exchange(mine); };
  Seat& seat = world.seats[rank.index()];
  seat.transport = how.make(setup);
  self.open_epoch(kFirstEpoch);
  const WindowNumber signal_window = self.share(seat.signal_memory.all(), WindowRole::signals);
  EXPECT_EQ(signal_window, kSignalWindow);
  seat.heap_window = self.share(self.heap(), WindowRole::heap);
  self.barrier();
  body(self);
  self.barrier();
}

void run_or_abandon(const TransportCase& how, World& world, std::size_t rank,
                    const std::function<void(RankWorld&)>& body) {
  try {
    run_rank(how, world, Rank(static_cast<std::uint32_t>(rank)), body);
  } catch (const std::exception& error) {
    ADD_FAILURE() << "rank " << rank << " of " << world.seats.size() << ": " << error.what();
    world.board.abandon();
  }
}

void run_threads(const TransportCase& how, World& world,
                 const std::function<void(RankWorld&)>& body) {
  std::vector<std::jthread> threads;
  for (std::size_t rank = 0; rank < world.seats.size(); ++rank)
    threads.emplace_back([&, rank] { run_or_abandon(how, world, rank, body); });
  threads.clear();  // joins; transports and memory go when nobody runs any more
}

/// Each process has a copy of the world with its own seat in use.
void run_processes(const TransportCase& how, World& world,
                   const std::function<void(RankWorld&)>& body) {
  std::fflush(nullptr);
  std::vector<pid_t> children;
  for (std::size_t rank = 0; rank < world.seats.size(); ++rank) {
    const pid_t child = ::fork();
    if (child == 0) {
      run_or_abandon(how, world, rank, body);
      world.seats[rank].transport.reset();
      std::fflush(nullptr);
      ::_exit(testing::Test::HasFailure() ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    children.push_back(child);
  }
  for (std::size_t rank = 0; rank < children.size(); ++rank) {
    int status = 0;
    ASSERT_EQ(::waitpid(children[rank], &status, 0), children[rank]);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
        << "the process of rank " << rank << " ended with status " << status;
  }
}

}  // namespace

void run_ranks(const TransportCase& how, std::size_t ranks,
               const std::function<void(RankWorld&)>& body) {
  World world(ranks);
  const bool forks = how.ranks == RankKind::processes;
  forks ? run_processes(how, world, body) : run_threads(how, world, body);
}

std::byte pattern(std::uint64_t seed, std::uint64_t index) {
  const std::uint64_t mixed = (seed * 0x9e3779b97f4a7c15ull) ^ (index * 0xc2b2ae3d27d4eb4full);
  return static_cast<std::byte>((mixed >> 29) ^ (mixed >> 7));
}

void fill_pattern(std::span<std::byte> bytes, std::uint64_t seed) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern(seed, i);
}

std::size_t pattern_matches(std::span<const std::byte> bytes, std::uint64_t seed) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != pattern(seed, i)) return i;
  }
  return bytes.size();
}

}  // namespace rlx::test
