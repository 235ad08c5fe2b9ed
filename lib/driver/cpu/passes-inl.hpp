// Loops over memory: all sources are read and all destinations written in one pass, and what is
// between them stays in registers. Offsets are in bytes. Included once per instruction set.

#if defined(RLX_PASSES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef RLX_PASSES_INL_HPP
#undef RLX_PASSES_INL_HPP
#else
#define RLX_PASSES_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "lib/driver/cpu/codecs-inl.hpp"
#include "lib/driver/cpu/operations-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace rlx::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// More sources than this compete for the sets of the first-level cache and for the prefetcher, more
// destinations for its buffers; then what is in between waits in a block that the cache holds.
inline constexpr std::size_t kSourcesPerPass = 8;
inline constexpr std::size_t kStoresPerPass = 4;
inline constexpr std::size_t kBlockBytes = 4096;

/// The usual pass, with everything known but the addresses.
struct Pair {
  std::array<const std::byte*, 2> sources;
  std::array<std::byte*, 1> plain;
  static constexpr std::array<std::byte*, 0> streamed{};
  static constexpr std::size_t source_count = 2;
  static constexpr std::size_t plain_count = 1;
  static constexpr std::size_t streamed_count = 0;
  static constexpr std::size_t origin = 0;
  static constexpr const std::byte* carry_in = nullptr;
  static constexpr std::byte* carry_out = nullptr;
  static constexpr std::size_t carry_origin = 0;
  static constexpr std::uint64_t divisor = 0;
  static constexpr bool kQuick = true;
};

/// Any other. What the counts leave out of the arrays is not set.
struct Pass {
  Pass(const std::byte* const* from, std::size_t count) : sources(from), source_count(count) {}

  const std::byte* const* sources;
  std::size_t source_count;  ///< at least 1; at most kSourcesPerPass but in fold()
  std::array<std::byte*, kStoresPerPass> plain;
  std::size_t plain_count = 0;
  std::array<std::byte*, kStoresPerPass> streamed;  ///< on a line at the pass's first byte
  std::size_t streamed_count = 0;
  std::size_t origin = 0;               ///< of the sources, where destinations begin
  const std::byte* carry_in = nullptr;  ///< values of sources before these
  std::byte* carry_out = nullptr;       ///< where values go instead of destinations
  std::size_t carry_origin = 0;         ///< of the sources, where these begin
  std::uint64_t divisor = 0;            ///< 0: none
  static constexpr bool kQuick = false;
};

enum class Write { Plain, AsAsked };

template <std::size_t kVectors, Write kWrite, class Shape, class D, class V>
HWY_INLINE void store_all(const Shape& pass, std::size_t at, D d, const V& results) {
  for (std::size_t i = 0; i < pass.plain_count; ++i) {
    std::byte* const to = pass.plain[i] + at;
    for (std::size_t v = 0; v < kVectors; ++v) store_bytes(d, results[v], to + v * kBytesOf<D>);
  }
  for (std::size_t i = 0; i < pass.streamed_count; ++i) {
    std::byte* const to = pass.streamed[i] + at;
    for (std::size_t v = 0; v < kVectors; ++v) {
      if constexpr (kWrite == Write::AsAsked) {
        stream_bytes(d, results[v], to + v * kBytesOf<D>);
      } else {
        store_bytes(d, results[v], to + v * kBytesOf<D>);
      }
    }
  }
}

/// kVectors vectors at one offset of all operands.
template <class Codec, class Operation, std::size_t kVectors, Write kWrite, class Shape, class D>
HWY_INLINE void fold_at(const Shape& pass, std::size_t at, D d) {
  constexpr std::size_t kBytes = kBytesOf<D>;
  typename Codec::template Value<D> values[kVectors];
  std::size_t source = 0;
  if (pass.carry_in != nullptr) {
    const std::byte* const carry = pass.carry_in + (at - pass.carry_origin) * Codec::kParts;
    for (std::size_t v = 0; v < kVectors; ++v) {
      values[v] = Codec::load_value(d, carry + v * kBytes * Codec::kParts);
    }
  } else {
    const std::byte* const first = pass.sources[source++] + at;
    for (std::size_t v = 0; v < kVectors; ++v) values[v] = Codec::load(d, first + v * kBytes);
  }
  for (; source < pass.source_count; ++source) {
    const std::byte* const next = pass.sources[source] + at;
    for (std::size_t v = 0; v < kVectors; ++v) {
      values[v] = Codec::template fold<Operation>(d, values[v], Codec::load(d, next + v * kBytes));
    }
  }
  if (pass.carry_out != nullptr) {
    std::byte* const carry = pass.carry_out + (at - pass.carry_origin) * Codec::kParts;
    for (std::size_t v = 0; v < kVectors; ++v) {
      Codec::store_value(d, values[v], carry + v * kBytes * Codec::kParts);
    }
    return;
  }
  if (pass.divisor != 0) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      values[v] = Codec::divide(d, values[v], pass.divisor);
    }
  }
  hn::Vec<D> results[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) results[v] = Codec::encode(d, values[v]);
  store_all<kVectors, kWrite>(pass, at - pass.origin, d, results);
}

/// The last bytes, fewer than a word, through words of zeros.
template <class Codec, class Operation, class Shape, class D>
HWY_INLINE void fold_within_word(const Shape& pass, std::size_t at, std::size_t bytes, D d) {
  std::array<std::uint32_t, kSourcesPerPass> words{};
  std::array<const std::byte*, kSourcesPerPass> sources;
  for (std::size_t s = 0; s < pass.source_count; ++s) {
    std::memcpy(&words[s], pass.sources[s] + at, bytes);
    sources[s] = reinterpret_cast<const std::byte*>(&words[s]);
  }
  std::uint32_t result = 0;
  const std::size_t carried = (at - pass.carry_origin) * Codec::kParts;
  Pass word(sources.data(), pass.source_count);
  word.divisor = pass.divisor;
  word.plain[word.plain_count++] = reinterpret_cast<std::byte*>(&result);
  if (pass.carry_in != nullptr) word.carry_in = pass.carry_in + carried;
  if (pass.carry_out != nullptr) word.carry_out = pass.carry_out + carried;
  fold_at<Codec, Operation, 1, Write::Plain>(word, 0, d);
  if (pass.carry_out != nullptr) return;
  for (std::size_t i = 0; i < pass.plain_count; ++i) {
    std::memcpy(pass.plain[i] + (at - pass.origin), &result, bytes);
  }
  for (std::size_t i = 0; i < pass.streamed_count; ++i) {
    std::memcpy(pass.streamed[i] + (at - pass.origin), &result, bytes);
  }
}

/// The next smaller vectors for the rest of an operand: half as long, or where that would be much
/// code for few bytes, a quarter.
template <class Codec, class Shape, class D>
using Smaller =
    std::conditional_t<(Shape::kQuick && !Codec::kPartialWords) || (hn::MaxLanes(D()) < 4),
                       hn::Half<D>, hn::Half<hn::Half<D>>>;

/// Fewer bytes than the loop takes at a time: whole vectors, then ever smaller ones. (Masked loads
/// and stores would be fewer instructions and are several times slower.)
template <class Codec, class Operation, class Shape, class D>
HWY_INLINE void fold_rest(const Shape& pass, std::size_t at, std::size_t end, D d) {
  for (; end - at >= kBytesOf<D>; at += kBytesOf<D>) {
    fold_at<Codec, Operation, 1, Write::Plain>(pass, at, d);
  }
  if constexpr (hn::MaxLanes(D()) > 1) {
    fold_rest<Codec, Operation>(pass, at, end, Smaller<Codec, Shape, D>());
  } else if constexpr (Codec::kPartialWords) {
    if (at != end) fold_within_word<Codec, Operation>(pass, at, end - at, d);
  }
}

/// The elements from byte `at` to byte `end`.
template <class Codec, class Operation, class Shape>
HWY_INLINE void fold_all(const Shape& pass, std::size_t at, std::size_t end) {
  const hn::ScalableTag<typename Codec::Lane> d;
  constexpr std::size_t kVectors = 4 / Codec::kParts;
  constexpr std::size_t kBytes = kVectors * kBytesOf<decltype(d)>;
  for (; end - at >= kBytes; at += kBytes) {
    fold_at<Codec, Operation, kVectors, Write::AsAsked>(pass, at, d);
  }
  fold_rest<Codec, Operation>(pass, at, end, d);
}

template <class Codec, class Operation>
HWY_NOINLINE void fold_pass(const Pass& pass, std::size_t begin, std::size_t end) {
  fold_all<Codec, Operation>(pass, begin, end);
}

/// The same for any number of sources: some at a time for one block after the other, the values so
/// far in a block of their own.
template <class Codec, class Operation>
void fold(const Pass& pass, std::size_t begin, std::size_t end) {
  if (pass.source_count <= kSourcesPerPass) return fold_pass<Codec, Operation>(pass, begin, end);
  alignas(64) std::byte values[kBlockBytes];
  constexpr std::size_t kStride = kBlockBytes / Codec::kParts;
  for (std::size_t at = begin; at < end; at += kStride) {
    const std::size_t until = std::min(at + kStride, end);
    for (std::size_t s = 0; s < pass.source_count; s += kSourcesPerPass) {
      Pass part = pass;
      part.sources = pass.sources + s;
      part.source_count = std::min(kSourcesPerPass, pass.source_count - s);
      part.carry_origin = at;
      if (s != 0) part.carry_in = values;
      if (s + kSourcesPerPass < pass.source_count) part.carry_out = values;
      fold_pass<Codec, Operation>(part, at, until);
    }
  }
}

}  // namespace rlx::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
