#pragma once
// Where the ranks of a test meet, be they threads or forked processes: shared memory with atomics,
// and none of the transport's own operations.

#include <sched.h>
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <stdexcept>
#include <vector>

namespace rlx::test {

/// Make it before the ranks exist.
class Board {
 public:
  static constexpr std::chrono::seconds kPatience{20};

  explicit Board(std::size_t ranks) : ranks_(ranks) {
    void* const memory = ::mmap(nullptr, sizeof(Shared) + ranks * kBlobBytes,
                                PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    shared_ = new (memory) Shared;
  }
  ~Board() { ::munmap(shared_, sizeof(Shared) + ranks_ * kBlobBytes); }
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  [[nodiscard]] std::size_t size() const { return ranks_; }

  /// Everybody's bytes in rank order; the same length on all. Throws after kPatience, and when a
  /// rank has abandoned.
  std::vector<std::byte> exchange(std::size_t rank, std::span<const std::byte> mine) {
    if (mine.size() > kBlobBytes) throw std::length_error("more than a blob of the board");
    std::memcpy(blob(rank), mine.data(), mine.size());
    meet();
    std::vector<std::byte> all;
    for (std::size_t peer = 0; peer < ranks_; ++peer)
      all.insert(all.end(), blob(peer), blob(peer) + mine.size());
    meet();  // nobody overwrites a blob that somebody still reads
    return all;
  }

  /// The generation that ends when all ranks have arrived.
  std::uint64_t arrive() {
    const std::uint64_t ticket = shared_->arrived.fetch_add(1, std::memory_order_acq_rel);
    return (ticket / ranks_ + 1) * ranks_;
  }
  [[nodiscard]] bool all_arrived(std::uint64_t generation) const {
    return shared_->arrived.load(std::memory_order_acquire) >= generation;
  }
  /// Arrives and waits for the others.
  void meet() {
    const std::uint64_t generation = arrive();
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!all_arrived(generation)) {
      if (abandoned()) throw std::runtime_error("another rank failed");
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error("a rank did not meet");
      ::sched_yield();
    }
  }

  /// A count of whatever a test counts.
  void tick() { shared_->ticks.fetch_add(1, std::memory_order_acq_rel); }
  void wait_for_ticks(std::uint64_t ticks) const {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (shared_->ticks.load(std::memory_order_acquire) < ticks) {
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error("ticks are missing");
      ::sched_yield();
    }
  }

  void abandon() { shared_->abandoned.store(true); }
  [[nodiscard]] bool abandoned() const { return shared_->abandoned.load(); }

 private:
  static constexpr std::size_t kBlobBytes = std::size_t{64} << 10;
  struct alignas(64) Shared {
    std::atomic<std::uint64_t> arrived{0};
    std::atomic<std::uint64_t> ticks{0};
    std::atomic<bool> abandoned{false};
  };

  [[nodiscard]] std::byte* blob(std::size_t rank) const {
    return reinterpret_cast<std::byte*>(shared_ + 1) + rank * kBlobBytes;
  }

  std::size_t ranks_;
  Shared* shared_ = nullptr;
};

}  // namespace rlx::test
