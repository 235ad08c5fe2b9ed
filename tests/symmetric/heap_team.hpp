#pragma once
// Several processes' heaps in one, for tests: a heap per process, and agreements as max-barriers.

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "rlx/symmetric_heap.hpp"

namespace rlx::test {

/// An Agree among `members` threads: everybody gets the maximum of what everybody gave.
class MaxBarrier {
 public:
  explicit MaxBarrier(std::size_t members) : members_(members) {}

  std::uint64_t agree(std::uint64_t mine) {
    std::unique_lock lock(mutex_);
    const std::uint64_t generation = generation_;
    largest_ = std::max(largest_, mine);
    if (++arrived_ == members_) {
      agreed_ = largest_;
      largest_ = 0;
      arrived_ = 0;
      ++generation_;
      everybody_.notify_all();
      return agreed_;
    }
    everybody_.wait(lock, [&] { return generation_ != generation; });
    return agreed_;  // nobody can finish the next one before I have arrived there
  }

  [[nodiscard]] Agree function() {
    return [this](std::uint64_t mine) { return agree(mine); };
  }

 private:
  std::size_t members_;
  std::mutex mutex_;
  std::condition_variable everybody_;
  std::uint64_t generation_ = 0;
  std::uint64_t largest_ = 0;
  std::uint64_t agreed_ = 0;
  std::size_t arrived_ = 0;
};

/// Agreement with oneself.
[[nodiscard]] inline Agree alone() {
  return [](std::uint64_t mine) { return mine; };
}

[[nodiscard]] inline std::unique_ptr<SymmetricHeap> plain_heap(std::size_t limit) {
  return std::make_unique<SymmetricHeap>(limit, [](HeapExtent, std::span<std::byte>) {});
}

}  // namespace rlx::test
