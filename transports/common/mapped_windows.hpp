#pragma once
// Windows that this process can load and store: where they are, and the four operations on them.
// What local and shm share; an operation is over when it returns.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "rlx/symmetric_transport.hpp"
#include "transports/common/atomic_copy.hpp"

namespace rlx::detail {

// Up to here puts are stored word by word, so that a peer that reads them meanwhile sees whole
// words; longer ones are data, which nobody reads before the signal.
inline constexpr std::size_t kWordwiseBytes = 64;

inline void count_done(Completion& completion) noexcept {
  completion.issued.fetch_add(1, std::memory_order_relaxed);
  completion.local.fetch_add(1, std::memory_order_release);
  completion.remote.fetch_add(1, std::memory_order_release);
}

/// Looked up without a lock: set() may not run beside the others, which any thread may call.
class MappedWindows {
 public:
  explicit MappedWindows(std::size_t ranks) : windows_(ranks) {}

  void set(Rank rank, WindowNumber number, std::span<std::byte> memory) {
    auto& of_rank = windows_.at(rank.index());
    if (of_rank.size() <= number) of_rank.resize(number + std::size_t{1});
    of_rank[number] = memory;
  }

  /// Where the bytes are, or nullptr when no window holds them.
  [[nodiscard]] std::byte* reach(RemoteRef ref, std::size_t length) const noexcept {
    if (ref.rank.index() >= windows_.size()) return nullptr;
    const auto& of_rank = windows_[ref.rank.index()];
    if (ref.window >= of_rank.size()) return nullptr;
    const std::span<std::byte> window = of_rank[ref.window];
    if (ref.offset > window.size() || length > window.size() - ref.offset) return nullptr;
    return window.data() + ref.offset;
  }

  /// The word of a signal, or nullptr when it lies outside the peer's signal region.
  [[nodiscard]] std::atomic<std::uint64_t>* word(const Signal& signal) const noexcept {
    const RemoteRef line{signal.rank, kSignalWindow, signal.index * kLineBytes};
    return reinterpret_cast<std::atomic<std::uint64_t>*>(reach(line, kLineBytes));
  }

  /// These are false, and do nothing, when no window holds the bytes or the word.
  [[nodiscard]] bool put(RemoteRef to, LocalRef from) const noexcept {
    std::byte* const target = reach(to, from.length);
    if (target == nullptr) return false;
    if (from.length <= kWordwiseBytes && is_word_aligned(target)) {
      store_words(target, from.data, from.length);
    } else if (from.length > 0) {
      std::memmove(target, from.data, from.length);  // a rank may move bytes within its own memory
    }
    return true;
  }
  [[nodiscard]] bool get(LocalRef to, RemoteRef from) const noexcept {
    std::byte* const source = reach(from, to.length);
    if (source == nullptr) return false;
    if (is_word_aligned(source)) {
      load_words(to.data, source, to.length);
    } else if (to.length > 0) {
      std::memmove(to.data, source, to.length);
    }
    return true;
  }
  /// Release: whoever acquires the word sees the bytes of all puts from here before it.
  [[nodiscard]] bool signal(const Signal& signal) const noexcept {
    std::atomic<std::uint64_t>* const there = word(signal);
    if (there == nullptr) return false;
    there->store(signal.value, std::memory_order_release);
    return true;
  }

 private:
  std::vector<std::vector<std::span<std::byte>>> windows_;  // [rank][number]
};

}  // namespace rlx::detail
