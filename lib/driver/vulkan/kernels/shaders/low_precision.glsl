// Between the codes of low-precision floats and f32 bits, in integers but for numbers that are
// normal in f32.
#ifdef TYPE_bf16
uint widened(uint code) { return code << 16; }

uint narrowed(uint x) {
  if (magnitude(x) > kInfinity) return (x >> 16) | 0x40u;
  return (x + 0x7fffu + ((x >> 16) & 1u)) >> 16;
}
#else
const uint kCodeSign = 1u << (8 * SIZE - 1);
const int kCut = kMantissa - MANTISSA;
// The last bit of 2^kAligner is the least denormal.
const int kAligner = 1 - BIAS - MANTISSA + kMantissa;
const uint kRebias = uint(kBias - BIAS) << kMantissa;
#if defined(TYPE_f16)
const uint kLargest = 0x7bff;
const uint kBeyond = 0x7c00;  // of what is larger
const uint kCodeInfinity = 0x7c00;
const uint kCodeNaN = 0x7e00;
#elif defined(TYPE_f8e4m3)
const uint kLargest = 0x7e;
const uint kBeyond = kLargest;
const uint kCodeInfinity = 0x7f;  // a NaN
const uint kCodeNaN = 0x7f;
#else
const uint kLargest = 0x7b;
const uint kBeyond = kLargest;
const uint kCodeInfinity = 0x7c;
const uint kCodeNaN = 0x7f;
#endif

uint widened(uint code) {
  const uint m = code & (kCodeSign - 1);
  uint wide = (m << kCut) + kRebias;
  if (m < (1u << MANTISSA)) {
    precise const float denormal = real_of(power_bits(kAligner) | m) - power(kAligner);
    wide = bits_of(denormal);
  }
#ifdef TYPE_f8e4m3
  if (m == kCodeNaN) wide = 0x7fc00000u;
#else
  if (m >= kCodeInfinity) wide |= kInfinity;
#endif
  return wide | ((code & kCodeSign) << (32 - 8 * SIZE));
}

uint narrowed(uint x) {
  const uint m = magnitude(x);
  const uint sign = (x >> (32 - 8 * SIZE)) & kCodeSign;
  if (m > kInfinity) return sign | kCodeNaN;
  uint code;
  if (m < power_bits(1 - BIAS)) {
    precise const float aligned = real_of(m) + power(kAligner);  // rounds
    code = bits_of(aligned) - power_bits(kAligner);
  } else {
    code = (m - kRebias + (1u << (kCut - 1)) - 1 + ((m >> kCut) & 1u)) >> kCut;
    if (code > kLargest) code = kBeyond;
  }
  return sign | code;
}
#endif
