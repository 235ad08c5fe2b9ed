#include "tools/kernels/limits.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <ctime>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rlx::kernel_bench {
namespace {

constexpr double kLeastSeconds = 0.004;

#if defined(__x86_64__)
#define RLX_EVERY_WIDTH __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define RLX_EVERY_WIDTH
#endif

RLX_EVERY_WIDTH std::uint64_t read_all(const std::byte* from, std::size_t bytes) {
  constexpr std::size_t kWords = 64;  // independent sums
  std::uint64_t sums[kWords] = {};
  for (std::size_t at = 0; at + sizeof sums <= bytes; at += sizeof sums) {
    for (std::size_t k = 0; k < kWords; ++k) {
      std::uint64_t word;
      std::memcpy(&word, from + at + k * sizeof word, sizeof word);
      sums[k] |= word;
    }
  }
  std::uint64_t all = 0;
  for (const std::uint64_t sum : sums) all |= sum;
  return all;
}

#if defined(__SSE2__)
void stream_all(std::byte* to, const std::byte* from, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += 64) {
    for (std::size_t k = 0; k < 64; k += 16) {
      const auto* in = reinterpret_cast<const __m128i*>(from + at + k);
      _mm_stream_si128(reinterpret_cast<__m128i*>(to + at + k), _mm_loadu_si128(in));
    }
  }
  _mm_sfence();
}
#endif

/// 1e9 bytes per second of `work`, which moves `bytes`.
template <class Work>
double rate(std::size_t bytes, Work&& work) {
  for (std::size_t rounds = 1;; rounds *= 2) {
    const double begin = thread_seconds();
    for (std::size_t i = 0; i < rounds; ++i) work();
    const double elapsed = thread_seconds() - begin;
    if (elapsed < kLeastSeconds) continue;
    return static_cast<double>(rounds) * static_cast<double>(bytes) / elapsed / 1e9;
  }
}

}  // namespace

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

Limits measure_limits(const Level& level) {
  const Operands operands(level, 2);
  std::byte* const to = operands.array(0);
  const std::byte* const from = operands.array(1);
  const std::size_t bytes = operands.bytes();
  Limits limits;
  limits.read = rate(bytes, [&] { benchmark::DoNotOptimize(read_all(from, bytes)); });
  limits.memcpy = rate(2 * bytes, [&] {
    std::memcpy(to, from, bytes);
    benchmark::ClobberMemory();
  });
#if defined(__SSE2__)
  limits.copy_stream = rate(2 * bytes, [&] { stream_all(to, from, bytes); });
#endif
  return limits;
}

}  // namespace rlx::kernel_bench
