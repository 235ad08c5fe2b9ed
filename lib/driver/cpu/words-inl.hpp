// The codecs of the low-precision types, which compute in f32. Included once per instruction set.

#if defined(RLX_WORDS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef RLX_WORDS_INL_HPP
#undef RLX_WORDS_INL_HPP
#else
#define RLX_WORDS_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "lib/base/half.hpp"
#include "lib/driver/cpu/codecs-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace rlx::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
using FloatsOf = hn::Rebind<float, D>;

/// A low-precision type in words of 32 bits: part k of a value holds the elements at place k of
/// their words, so that nothing crosses lanes. Format has decode<k>(word) -> float, and
/// encode(parts) -> word.
template <class Format>
struct Words {
  using Lane = std::uint32_t;
  static constexpr std::size_t kParts = Format::kParts;
  static constexpr bool kPartialWords = true;
  template <class D>
  struct Value {
    hn::Vec<FloatsOf<D>> part[kParts];
  };

  template <class D>
  static HWY_INLINE Value<D> load(D d, const std::byte* from) {
    return Format::template load<Value<D>>(d, from);
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> encode(D d, const Value<D>& v) {
    return Format::encode(d, v);
  }
  template <class Operation, class D>
  static HWY_INLINE Value<D> fold(D, Value<D> a, const Value<D>& b) {
    for (std::size_t k = 0; k < kParts; ++k) {
      a.part[k] = Operation::apply(FloatsOf<D>(), a.part[k], b.part[k]);
    }
    return a;
  }
  template <class D>
  static HWY_INLINE Value<D> divide(D, Value<D> v, std::uint64_t divisor) {
    for (std::size_t k = 0; k < kParts; ++k) {
      v.part[k] = quotient(FloatsOf<D>(), v.part[k], divisor);
    }
    return v;
  }
  template <class D>
  static HWY_INLINE Value<D> load_value(D, const std::byte* from) {
    Value<D> v;
    for (std::size_t k = 0; k < kParts; ++k) {
      v.part[k] = load_bytes(FloatsOf<D>(), from + k * kBytesOf<D>);
    }
    return v;
  }
  template <class D>
  static HWY_INLINE void store_value(D, const Value<D>& v, std::byte* to) {
    for (std::size_t k = 0; k < kParts; ++k) {
      store_bytes(FloatsOf<D>(), v.part[k], to + k * kBytesOf<D>);
    }
  }
};

/// bf16: the upper half of an f32, so a word's upper element needs only its lower half cleared.
struct Bf16 {
  static constexpr std::size_t kParts = 2;

  template <class Value, class D>
  static HWY_INLINE Value load(D d, const std::byte* from) {
    const FloatsOf<D> floats;
    const auto words = load_bytes(d, from);
    return {{hn::BitCast(floats, hn::ShiftLeft<16>(words)),
             hn::BitCast(floats, hn::And(words, hn::Set(d, 0xffff'0000U)))}};
  }
  template <class D, class Value>
  static HWY_INLINE hn::Vec<D> encode(D d, const Value& v) {
    const auto low = hn::ShiftRight<16>(rounded(d, v.part[0]));
    return hn::Or(low, hn::And(rounded(d, v.part[1]), hn::Set(d, 0xffff'0000U)));
  }

 private:
  // The upper half is the result. A NaN needs no care: arithmetic on bf16 passes on a NaN of its
  // operands or makes the processor's own, and the lower half of all these is 0.
  template <class D, class F>
  static HWY_INLINE hn::Vec<D> rounded(D d, F value) {
    const auto bits = hn::BitCast(d, value);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
    return hn::Add(bits, hn::Add(odd, hn::Set(d, 0x7fff)));
  }
};

/// Any float of 8 or 16 bits by integer operations, as lib/base/half.hpp does it one by one.
template <detail::SmallFloat kFormat>
struct Small {
  static constexpr std::size_t kParts = 32 / kFormat.bits;

  template <class Value, class D>
  static HWY_INLINE Value load(D d, const std::byte* from) {
    return load_parts<Value>(d, load_bytes(d, from), std::make_index_sequence<kParts>());
  }
  template <class D, class Value>
  static HWY_INLINE hn::Vec<D> encode(D d, const Value& v) {
    return encode_parts(d, v, std::make_index_sequence<kParts>());
  }

 private:
  static constexpr std::uint32_t kMagnitude = ~detail::kSignBit32;

  template <class Value, class D, std::size_t... k>
  static HWY_INLINE Value load_parts(D d, hn::Vec<D> words, std::index_sequence<k...>) {
    return {{decode(d, hn::ShiftLeft<static_cast<int>(32 - (k + 1) * kFormat.bits)>(words))...}};
  }

  // The element is at the top of its word; what is below it is rubbish.
  template <class D>
  static HWY_INLINE hn::Vec<FloatsOf<D>> decode(D d, hn::Vec<D> word) {
    const FloatsOf<D> floats;
    constexpr int kDown = 32 - kFormat.bits - kFormat.shift();
    constexpr std::uint32_t kCodes = (1U << (kFormat.bits - 1)) - 1;
    const auto magnitude =
        hn::And(shifted_down<kDown>(word), hn::Set(d, kCodes << kFormat.shift()));
    const auto normal = hn::Add(magnitude, hn::Set(d, kFormat.rebias()));
    const auto next = hn::Set(d, kFormat.least_normal());
    const auto denormal = hn::BitCast(
        d, hn::Sub(hn::BitCast(floats, hn::Add(magnitude, next)), hn::BitCast(floats, next)));
    const auto special = hn::Or(normal, hn::Set(d, detail::kInfinity32));
    auto bits = select(d, less(d, magnitude, 1U << 23), denormal, normal);
    bits = select(d, less(d, magnitude, (kFormat.largest + 1) << kFormat.shift()), bits, special);
    const auto sign = hn::And(word, hn::Set(d, detail::kSignBit32));
    return hn::BitCast(floats, hn::Or(bits, sign));
  }

  template <int kBits, class V>
  static HWY_INLINE V shifted_down(V v) {
    if constexpr (kBits >= 0) {
      return hn::ShiftRight<kBits>(v);
    } else {
      return hn::ShiftLeft<-kBits>(v);
    }
  }

  template <class D, class Value, std::size_t... k>
  static HWY_INLINE hn::Vec<D> encode_parts(D d, const Value& v, std::index_sequence<k...>) {
    auto words = hn::Zero(d);
    ((words = hn::Or(words, hn::ShiftLeft<static_cast<int>(k * kFormat.bits)>(
                                encode_one(d, hn::BitCast(d, v.part[k]))))),
     ...);
    return words;
  }

  template <class D>
  static HWY_INLINE hn::Vec<D> encode_one(D d, hn::Vec<D> bits) {
    const FloatsOf<D> floats;
    constexpr int kShift = kFormat.shift();
    constexpr std::uint32_t kHalf = (1U << (kShift - 1)) - 1;
    const auto magnitude = hn::And(bits, hn::Set(d, kMagnitude));
    const auto bounded = hn::Min(magnitude, hn::Set(d, kFormat.ceiling()));
    const auto odd = hn::And(hn::ShiftRight<kShift>(bounded), hn::Set(d, 1));
    const auto biased = hn::Add(bounded, hn::Set(d, kHalf - kFormat.rebias()));
    const auto normal = hn::ShiftRight<kShift>(hn::Add(biased, odd));
    const auto rounder = hn::Set(d, kFormat.rounder());
    const auto sum = hn::Add(hn::BitCast(floats, bounded), hn::BitCast(floats, rounder));
    const auto denormal = hn::Sub(hn::BitCast(d, sum), rounder);
    auto code = select(d, less(d, bounded, kFormat.least_normal()), denormal, normal);
    code = select(d, less(d, magnitude, detail::kInfinity32 + 1), code, hn::Set(d, kFormat.nan()));
    const auto sign =
        hn::And(hn::ShiftRight<32 - kFormat.bits>(bits), hn::Set(d, 1U << (kFormat.bits - 1)));
    return hn::Or(code, sign);
  }

  // Magnitudes compare as signed integers, which more instruction sets can.
  template <class D>
  static HWY_INLINE auto less(D, hn::Vec<D> magnitude, std::uint32_t limit) {
    const hn::RebindToSigned<D> di;
    return hn::Lt(hn::BitCast(di, magnitude), hn::Set(di, static_cast<std::int32_t>(limit)));
  }
  template <class D, class M>
  static HWY_INLINE hn::Vec<D> select(D d, M mask, hn::Vec<D> yes, hn::Vec<D> no) {
    return hn::IfThenElse(hn::RebindMask(d, mask), yes, no);
  }
};

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
/// f16 by the processor's conversions, which round as IEEE 754 says. (Highway 1.0.3 is not exact
/// below AVX2.) The parts are the halves of a vector here.
struct F16 {
  static constexpr std::size_t kParts = 2;

  template <class Value, class D>
  static HWY_INLINE Value load(D, const std::byte* from) {
    const FloatsOf<D> floats;
    const hn::Rebind<hwy::float16_t, D> half;
    return {{hn::PromoteTo(floats, load_bytes(half, from)),
             hn::PromoteTo(floats, load_bytes(half, from + kBytesOf<D> / 2))}};
  }
  template <class D, class Value>
  static HWY_INLINE hn::Vec<D> encode(D d, const Value& v) {
    const hn::Rebind<hwy::float16_t, D> half;
    const hn::Rebind<std::uint16_t, D> bits;
    const hn::Repartition<std::uint16_t, D> both;
    const auto low = hn::BitCast(bits, hn::DemoteTo(half, v.part[0]));
    const auto high = hn::BitCast(bits, hn::DemoteTo(half, v.part[1]));
    return hn::BitCast(d, hn::Combine(both, high, low));
  }
};
#else
using F16 = Small<detail::kF16>;
#endif

}  // namespace rlx::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
