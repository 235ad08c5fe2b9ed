// f32 (and f64) arithmetic on bits, as IEEE 754 says: rounded to nearest even, denormals kept. The
// device's own sums and products are right wherever no denormal takes part, which the result shows;
// the rest, and every quotient, whose rounding Vulkan leaves open, is done here on integers.
#if SIZE == 8
#define Bits uint64_t
#define SignedBits int64_t
#define Real double
#define WIDTH 64
const int kMantissa = 52;
const int kBias = 1023;
Real real_of(Bits x) { return uint64BitsToDouble(x); }
Bits bits_of(Real x) { return doubleBitsToUint64(x); }
int highest_bit(Bits x) {
  const uvec2 halves = unpackUint2x32(x);
  return halves.y != 0 ? 32 + findMSB(halves.y) : findMSB(halves.x);
}
void multiply(Bits a, Bits b, out Bits high, out Bits low) {
  const uvec2 x = unpackUint2x32(a);
  const uvec2 y = unpackUint2x32(b);
  const Bits cross = Bits(x.y) * y.x + ((Bits(x.x) * y.x) >> 32);
  const Bits other = Bits(x.x) * y.y + (cross & 0xffffffffu);
  high = Bits(x.y) * y.y + (cross >> 32) + (other >> 32);
  low = a * b;
}
Bits pair(uvec2 words) { return packUint2x32(words); }
#else
#define Bits uint
#define SignedBits int
#define Real float
#define WIDTH 32
const int kMantissa = 23;
const int kBias = 127;
Real real_of(Bits x) { return uintBitsToFloat(x); }
Bits bits_of(Real x) { return floatBitsToUint(x); }
int highest_bit(Bits x) { return findMSB(x); }
void multiply(Bits a, Bits b, out Bits high, out Bits low) { umulExtended(a, b, high, low); }
Bits pair(uvec2 words) { return words.x; }
#endif

const Bits kHidden = Bits(1) << kMantissa;
const Bits kInfinity = Bits(2 * kBias + 1) << kMantissa;
const Bits kSignBit = Bits(1) << (WIDTH - 1);

Bits power_bits(int exponent) { return Bits(kBias + exponent) << kMantissa; }
Real power(int exponent) { return real_of(power_bits(exponent)); }
Bits magnitude(Bits x) { return x & ~kSignBit; }

// A number of 1.0 to 2.0 as a fraction with kSignBit before its point, times 2^(exponent - kBias);
// the last bit stands for all that are cut off. Rounded once. Nothing here is too large: products
// of denormals, and numbers divided.
Bits rounded(int exponent, Bits fraction) {
  if (exponent < 1) {
    const int shift = min(1 - exponent, WIDTH - 1);
    fraction = (fraction >> shift) | Bits((fraction << (WIDTH - shift)) != 0 ? 1 : 0);
    exponent = 1;
  }
  const int cut = WIDTH - 1 - kMantissa;
  const Bits half_unit = Bits(1) << (cut - 1);
  const Bits rest = fraction & (2 * half_unit - 1);
  Bits kept = fraction >> cut;
  if (rest > half_unit || (rest == half_unit && (kept & 1) != 0)) kept += 1;
  return (Bits(exponent - 1) << kMantissa) + kept;
}

// A finite number's mantissa with its leading bit at kMantissa. Not for zero.
Bits normalised(Bits x, out int exponent) {
  x = magnitude(x);
  exponent = int(x >> kMantissa);
  if (exponent != 0) return (x & (kHidden - 1)) | kHidden;
  const int shift = kMantissa - highest_bit(x);
  exponent = 1 - shift;
  return x << shift;
}

// Small numbers times 2^kLift, so that no denormal is left; exact.
const int kLift = WIDTH == 64 ? 512 : 64;
const int kUnit = 1 - kBias - kMantissa;  // 2^kUnit is the least denormal

Real lifted(Bits x) {
  const Bits m = magnitude(x);
  const Bits up = m < kHidden ? bits_of(Real(m) * power(kLift + kUnit))
                              : m + (Bits(kLift) << kMantissa);
  return real_of(up | (x & kSignBit));
}

Bits lowered(Real x) {
  const Bits bits = bits_of(x);
  const Bits m = magnitude(bits);
  const Bits down = m < (Bits(kLift + 1) << kMantissa)
                        ? Bits(real_of(m) * power(-kLift - kUnit))
                        : m - (Bits(kLift) << kMantissa);
  return down | (bits & kSignBit);
}

Bits sum(Bits a, Bits b) {
  precise const Real quick = real_of(a) + real_of(b);
  const Bits result = bits_of(quick);
#ifdef SUMS_STAY_NORMAL
  return result;
#endif
  // Above this a denormal operand is less than half a unit of the other. Great operands make a
  // small sum only when it is zero.
  if (!kKeepsDenormals && magnitude(result) < power_bits(1 - kBias + kMantissa + 3) &&
      magnitude(a) < power_bits(-kLift + 4)) {
    precise const Real small = lifted(a) + lifted(b);
    return lowered(small);
  }
  return result;
}

Bits product(Bits a, Bits b) {
  precise const Real quick = real_of(a) * real_of(b);
  const Bits result = bits_of(quick);
  const Bits m = magnitude(result);
  if (kKeepsDenormals || (m >= power_bits(2 - kBias) && m <= kInfinity)) return result;
  const Bits x = magnitude(a);
  const Bits y = magnitude(b);
  if (x == 0 || y == 0 || x > kInfinity || y > kInfinity) return result;
  const Bits sign = (a ^ b) & kSignBit;
  if (x == kInfinity || y == kInfinity) return sign | kInfinity;
  int ex;
  int ey;
  const int shift = WIDTH - 1 - kMantissa;
  Bits high;
  Bits low;
  multiply(normalised(x, ex) << shift, normalised(y, ey) << shift, high, low);
  int exponent = ex + ey - kBias + 1;
  if ((high & kSignBit) == 0) {
    high = (high << 1) | (low >> (WIDTH - 1));
    low <<= 1;
    exponent -= 1;
  }
  return sign | rounded(exponent, high | Bits(low != 0 ? 1 : 0));
}

// By the divisor of the push constants, an integer that was rounded to a Real.
Bits quotient(Bits x) {
  const Bits m = magnitude(x);
  if (m == 0 || m >= kInfinity) return x;
  const Bits divisor = pair(pc.divisor);
  const int lower = int(pc.exponent) - kBias;
  if (divisor == kHidden && int(m >> kMantissa) > lower) return x - (Bits(lower) << kMantissa);
  int exponent;
  Bits dividend = normalised(m, exponent);
  if (dividend < divisor) {
    dividend <<= 1;
    exponent -= 1;
  }
  // The estimate is some units off at most, so that the remainder fits though its parts do not.
  const Real reciprocal = real_of(pair(pc.constant));
  precise const Real estimate = Real(dividend) * reciprocal;
  Bits q = Bits(estimate);
  SignedBits rest = SignedBits((dividend << (kMantissa + 1)) - q * divisor);
  precise const Real off = Real(rest) * reciprocal * power(-kMantissa - 1);
  const SignedBits fix = SignedBits(floor(off));
  q += Bits(fix);
  rest -= fix * SignedBits(divisor);
  if (rest < 0) {
    q -= 1;
    rest += SignedBits(divisor);
  } else if (rest >= SignedBits(divisor)) {
    q += 1;
    rest -= SignedBits(divisor);
  }
  const Bits fraction = (q << (WIDTH - kMantissa - 2)) | Bits(rest != 0 ? 1 : 0);
  return (x & kSignBit) | rounded(exponent - lower, fraction);
}
