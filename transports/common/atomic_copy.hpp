#pragma once
// Copies between ranks that are threads, for bytes that may be read while they are written (health
// words, descriptors, progress lines): whole 8-byte words, each loaded or stored atomically.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace rlx::detail {

inline constexpr std::size_t kWordBytes = sizeof(std::uint64_t);

[[nodiscard]] inline bool is_word_aligned(const void* pointer) noexcept {
  return reinterpret_cast<std::uintptr_t>(pointer) % kWordBytes == 0;
}

/// `to` is aligned to 8 and shared; `from` is the caller's own.
inline void store_words(std::byte* to, const std::byte* from, std::size_t length) noexcept {
  for (; length >= kWordBytes; length -= kWordBytes, to += kWordBytes, from += kWordBytes) {
    std::uint64_t word;
    std::memcpy(&word, from, kWordBytes);
    std::atomic_ref(*reinterpret_cast<std::uint64_t*>(to)).store(word, std::memory_order_relaxed);
  }
  for (std::size_t i = 0; i < length; ++i) {
    std::atomic_ref(to[i]).store(from[i], std::memory_order_relaxed);
  }
}

/// `from` is aligned to 8 and shared; `to` is the caller's own.
inline void load_words(std::byte* to, std::byte* from, std::size_t length) noexcept {
  for (; length >= kWordBytes; length -= kWordBytes, to += kWordBytes, from += kWordBytes) {
    const std::uint64_t word =
        std::atomic_ref(*reinterpret_cast<std::uint64_t*>(from)).load(std::memory_order_relaxed);
    std::memcpy(to, &word, kWordBytes);
  }
  for (std::size_t i = 0; i < length; ++i) {
    to[i] = std::atomic_ref(from[i]).load(std::memory_order_relaxed);
  }
}

}  // namespace rlx::detail
