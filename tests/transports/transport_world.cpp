// The ranks of the conformance suite: threads, their memory, and how they meet.

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>

#include "tests/transports/transport_suite.hpp"

namespace rlx::test {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{20};

struct AlignedDelete {
  void operator()(std::byte* memory) const { ::operator delete[](memory, std::align_val_t{4096}); }
};
using Memory = std::unique_ptr<std::byte[], AlignedDelete>;

Memory zeroed(std::size_t bytes) {
  Memory memory(new (std::align_val_t{4096}) std::byte[bytes]);
  std::memset(memory.get(), 0, bytes);
  return memory;
}

struct Seat {
  Memory signal_memory = zeroed(SignalRegion::bytes(kSuiteLines));
  Memory heap_memory = zeroed(kSuiteHeapBytes);
  std::unique_ptr<SymmetricTransport> transport;  // after the memory: it goes first
  WindowNumber heap_window = 0;
};

}  // namespace

class World {
 public:
  explicit World(std::size_t ranks) : seats(ranks), blobs_(ranks) {}

  std::vector<std::byte> exchange(Rank rank, std::span<const std::byte> mine) {
    std::unique_lock lock(mutex_);
    blobs_[rank.index()].assign(mine.begin(), mine.end());
    meet(lock);
    std::vector<std::byte> all;
    for (const auto& blob : blobs_) all.insert(all.end(), blob.begin(), blob.end());
    meet(lock);  // nobody overwrites a blob that somebody still reads
    return all;
  }

  /// The generation that ends when all ranks have arrived.
  std::uint64_t arrive() {
    const std::uint64_t ticket = arrived_.fetch_add(1, std::memory_order_acq_rel);
    return (ticket / seats.size() + 1) * seats.size();
  }
  bool all_arrived(std::uint64_t generation) const {
    return arrived_.load(std::memory_order_acquire) >= generation;
  }

  void abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_.store(true);
    met_.notify_all();
  }
  bool abandoned() const { return abandoned_.load(); }

  std::vector<Seat> seats;

 private:
  void meet(std::unique_lock<std::mutex>& lock) {
    const std::uint64_t generation = (meetings_++ / seats.size() + 1) * seats.size();
    if (meetings_ == generation) met_.notify_all();
    const auto here = [&] { return meetings_ >= generation || abandoned(); };
    if (!met_.wait_for(lock, kPatience, here)) throw std::runtime_error("a rank did not meet");
    if (meetings_ < generation) throw std::runtime_error("another rank failed");
  }

  std::mutex mutex_;
  std::condition_variable met_;
  std::uint64_t meetings_ = 0;
  std::vector<std::vector<std::byte>> blobs_;
  std::atomic<std::uint64_t> arrived_{0};
  std::atomic<bool> abandoned_{false};
};

std::size_t RankWorld::size() const { return world_.seats.size(); }
SymmetricTransport& RankWorld::transport() const { return *world_.seats[rank_.index()].transport; }
SignalRegion RankWorld::signals() const {
  return {world_.seats[rank_.index()].signal_memory.get(), kSuiteLines};
}
std::span<std::byte> RankWorld::heap() const {
  return {world_.seats[rank_.index()].heap_memory.get(), kSuiteHeapBytes};
}
WindowNumber RankWorld::heap_window() const { return world_.seats[rank_.index()].heap_window; }

RemoteRef RankWorld::on(Rank rank, std::uint64_t offset) const {
  return {rank, heap_window(), offset};
}
LocalRef RankWorld::mine(std::uint64_t offset, std::size_t length) const {
  return {heap().data() + offset, length, heap_window()};
}

void RankWorld::poll_until(const std::function<bool()>& condition, const std::string& what) const {
  const auto deadline = Clock::now() + kPatience;
  while (!condition()) {
    if (world_.abandoned()) throw std::runtime_error("another rank failed before " + what);
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
  const std::uint64_t generation = world_.arrive();
  poll_until([&] { return world_.all_arrived(generation); }, "a barrier");
}

std::vector<std::byte> RankWorld::exchange(std::span<const std::byte> mine) const {
  return world_.exchange(rank_, mine);
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
  const auto signal_bytes = std::span(seat.signal_memory.get(), SignalRegion::bytes(kSuiteLines));
  const WindowNumber signal_window = self.share(signal_bytes, WindowRole::signals);
  EXPECT_EQ(signal_window, kSignalWindow);
  seat.heap_window = self.share(self.heap(), WindowRole::heap);
  self.barrier();
  body(self);
  self.barrier();
}

}  // namespace

void run_ranks(const TransportCase& how, std::size_t ranks,
               const std::function<void(RankWorld&)>& body) {
  World world(ranks);
  std::vector<std::jthread> threads;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        run_rank(how, world, Rank(static_cast<std::uint32_t>(rank)), body);
      } catch (const std::exception& error) {
        ADD_FAILURE() << "rank " << rank << " of " << ranks << ": " << error.what();
        world.abandon();
      }
    });
  }
  threads.clear();  // joins; transports and memory go when nobody runs any more
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
