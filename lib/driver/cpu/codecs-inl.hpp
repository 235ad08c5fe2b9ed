// How a dtype's bytes become vectors to work on, and how results become bytes. Included once per
// instruction set. A codec has
//   Lane          of the vectors that are loaded and stored, 1 to 8 bytes
//   kParts        vectors of compute lanes per such vector; kParts times its bytes hold the values
//   kPartialWords whether an operand may end within a Lane
//   Value<D>      what a vector of lanes holds, between sources
//   load, encode, fold, divide, load_value, store_value

#if defined(RLX_CODECS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef RLX_CODECS_INL_HPP
#undef RLX_CODECS_INL_HPP
#else
#define RLX_CODECS_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace rlx::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
inline constexpr std::size_t kBytesOf = hn::MaxLanes(D()) * sizeof(hn::TFromD<D>);

// Bytes at any address, as lanes of any type.
template <class D>
HWY_INLINE hn::Vec<D> load_bytes(D d, const std::byte* from) {
#if HWY_TARGET == HWY_SCALAR
  hn::TFromD<D> value;
  std::memcpy(&value, from, sizeof value);
  return hn::Set(d, value);
#else
  const hn::Repartition<std::uint8_t, D> bytes;
  return hn::BitCast(d, hn::LoadU(bytes, reinterpret_cast<const std::uint8_t*>(from)));
#endif
}

template <class D>
HWY_INLINE void store_bytes(D d, hn::Vec<D> v, std::byte* to) {
#if HWY_TARGET == HWY_SCALAR
  (void)d;
  const hn::TFromD<D> value = hn::GetLane(v);
  std::memcpy(to, &value, sizeof value);
#else
  const hn::Repartition<std::uint8_t, D> bytes;
  hn::StoreU(hn::BitCast(bytes, v), bytes, reinterpret_cast<std::uint8_t*>(to));
#endif
}

// Past the caches, to a multiple of the vector's size.
template <class D>
HWY_INLINE void stream_bytes(D d, hn::Vec<D> v, std::byte* to) {
#if HWY_TARGET == HWY_SCALAR
  store_bytes(d, v, to);
#else
  const hn::Repartition<std::uint8_t, D> bytes;
  hn::Stream(hn::BitCast(bytes, v), bytes, reinterpret_cast<std::uint8_t*>(to));
#endif
}

// Floats. By a power of two the product with its reciprocal is the same number, correctly rounded,
// and several times as quick.
template <class D>
HWY_INLINE hn::Vec<D> quotient(D d, hn::Vec<D> v, std::uint64_t divisor) {
  using T = hn::TFromD<D>;
  if ((divisor & (divisor - 1)) == 0) return hn::Mul(v, hn::Set(d, T{1} / static_cast<T>(divisor)));
  return hn::Div(v, hn::Set(d, static_cast<T>(divisor)));
}

/// A dtype that computes in itself.
template <class T>
struct Native {
  using Lane = T;
  static constexpr std::size_t kParts = 1;
  static constexpr bool kPartialWords = false;
  template <class D>
  using Value = hn::Vec<D>;

  template <class D>
  static HWY_INLINE Value<D> load(D d, const std::byte* from) {
    return load_bytes(d, from);
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> encode(D, Value<D> v) {
    return v;
  }
  template <class Operation, class D>
  static HWY_INLINE Value<D> fold(D d, Value<D> a, Value<D> b) {
    return Operation::apply(d, a, b);
  }
  template <class D>
  static HWY_INLINE Value<D> divide(D d, Value<D> v, std::uint64_t divisor) {
    if constexpr (hwy::IsFloat<T>()) {
      return quotient(d, v, divisor);
    } else {
      return v;  // integers are divided block by block (steps-inl.hpp)
    }
  }
  template <class D>
  static HWY_INLINE Value<D> load_value(D d, const std::byte* from) {
    return load_bytes(d, from);
  }
  template <class D>
  static HWY_INLINE void store_value(D d, Value<D> v, std::byte* to) {
    store_bytes(d, v, to);
  }
};

/// Max and Min of low-precision floats, on integers of their width that sort as the numbers do, -0
/// below +0. Sign and magnitude become two's complement; then all moves by the number of NaNs of
/// one sign, kNaNs, so that the NaNs on the wrong side wrap to the other: downwards for Max, where
/// every NaN is then above infinity, upwards for Min.
template <class T, int kNaNs>
struct Ordered : Native<T> {
  template <class D>
  static HWY_INLINE hn::Vec<D> load(D d, const std::byte* from) {
    return hn::Sub(flip(d, load_bytes(d, from)), hn::Set(d, static_cast<T>(kNaNs)));
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> encode(D d, hn::Vec<D> v) {
    return flip(d, hn::Add(v, hn::Set(d, static_cast<T>(kNaNs))));
  }

 private:
  static constexpr T kMagnitude = hwy::LimitsMax<T>();

  template <class D>
  static HWY_INLINE hn::Vec<D> flip(D d, hn::Vec<D> v) {
    return hn::Xor(v, hn::And(hn::BroadcastSignBit(v), hn::Set(d, kMagnitude)));
  }
};

}  // namespace rlx::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
