// What reductions do to two vectors of compute lanes. Included once per instruction set.

#if defined(RLX_OPERATIONS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef RLX_OPERATIONS_INL_HPP
#undef RLX_OPERATIONS_INL_HPP
#else
#define RLX_OPERATIONS_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace rlx::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

struct Sum {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V apply(D, V a, V b) {
    return hn::Add(a, b);
  }
};

/// Integers wrap.
struct Product {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V apply(D d, V a, V b) {
    if constexpr (sizeof(hn::TFromD<D>) == 1) {
      return bytes(d, a, b);
    } else {
      return hn::Mul(a, b);
    }
  }

 private:
  // There is no multiplication of bytes: those at even places and those at odd ones take turns in
  // lanes of 16 bits.
  template <class D, class V>
  static HWY_INLINE V bytes(D d, V a, V b) {
    if constexpr (hn::MaxLanes(D()) == 1) {
      return hn::Set(d, static_cast<std::uint8_t>(hn::GetLane(a) * hn::GetLane(b)));
    } else {
      const hn::Repartition<std::uint16_t, D> wide;
      const auto x = hn::BitCast(wide, a);
      const auto y = hn::BitCast(wide, b);
      const auto even = hn::And(hn::Mul(x, y), hn::Set(wide, 0xff));
      const auto odd = hn::Mul(hn::ShiftRight<8>(x), hn::ShiftRight<8>(y));
      return hn::BitCast(d, hn::Or(even, hn::ShiftLeft<8>(odd)));
    }
  }
};

#if HWY_TARGET == HWY_SCALAR
// As the processors' instructions do it, where Highway's scalars prefer a number to a NaN.
template <class V>
HWY_INLINE V larger(V a, V b) {
  return hn::IfThenElse(hn::Gt(a, b), a, b);
}
template <class V>
HWY_INLINE V smaller(V a, V b) {
  return hn::IfThenElse(hn::Lt(a, b), a, b);
}
#else
template <class V>
HWY_INLINE V larger(V a, V b) {
  return hn::Max(a, b);
}
template <class V>
HWY_INLINE V smaller(V a, V b) {
  return hn::Min(a, b);
}
#endif

// where ? a & b : a | b, bit by bit; Highway has no name for the one instruction of AVX3.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
inline constexpr int kAndWhereElseOr = 0xd4;  // the truth table of (a, b, where)
template <class T, std::size_t kLanes>
HWY_INLINE hn::Vec128<T, kLanes> and_where_else_or(hn::Vec128<T, kLanes> where,
                                                   hn::Vec128<T, kLanes> a,
                                                   hn::Vec128<T, kLanes> b) {
  return {_mm_ternarylogic_epi32(b.raw, a.raw, where.raw, kAndWhereElseOr)};
}
template <class T>
HWY_INLINE hn::Vec256<T> and_where_else_or(hn::Vec256<T> where, hn::Vec256<T> a, hn::Vec256<T> b) {
  return {_mm256_ternarylogic_epi32(b.raw, a.raw, where.raw, kAndWhereElseOr)};
}
template <class T>
HWY_INLINE hn::Vec512<T> and_where_else_or(hn::Vec512<T> where, hn::Vec512<T> a, hn::Vec512<T> b) {
  return {_mm512_ternarylogic_epi32(b.raw, a.raw, where.raw, kAndWhereElseOr)};
}
#else
template <class V>
HWY_INLINE V and_where_else_or(V where, V a, V b) {
  return hn::Or(hn::And(a, b), hn::AndNot(where, hn::Or(a, b)));
}
#endif

/// Floats: an instruction set's maximum gives its second operand when one is NaN or both are zeros.
/// Asked both ways round, the answers agree unless that is so; then a NaN or'ed with anything that
/// compared with it is a NaN, and of two zeros the sign is to be and'ed (Max) or or'ed (Min).
struct Max {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V apply(D d, V a, V b) {
    if constexpr (hwy::IsFloat<hn::TFromD<D>>()) {
      const V x = larger(b, a);
      const V y = larger(a, b);
      const hn::RebindToUnsigned<D> bits;
      const auto sign = hn::BitCast(bits, hn::SignBit(d));
      const auto both = and_where_else_or(sign, hn::BitCast(bits, x), hn::BitCast(bits, y));
      return hn::BitCast(d, both);
    } else {
      return hn::Max(a, b);
    }
  }
};

struct Min {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V apply(D, V a, V b) {
    if constexpr (hwy::IsFloat<hn::TFromD<D>>()) {
      return hn::Or(smaller(a, b), smaller(b, a));
    } else {
      return hn::Min(a, b);
    }
  }
};

struct And {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V apply(D, V a, V b) {
    return hn::And(a, b);
  }
};

struct Or {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V apply(D, V a, V b) {
    return hn::Or(a, b);
  }
};

struct Xor {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V apply(D, V a, V b) {
    return hn::Xor(a, b);
  }
};

}  // namespace rlx::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
