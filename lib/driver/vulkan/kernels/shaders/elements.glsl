// Elements of loaded words: what is kept of them between sources, how two combine, and back.

// Max and Min: unsigned integers of which the greatest wins. Floats first become integers that
// sort as the numbers do, -0 below +0, at the top of the word; the bias then makes the NaNs of the
// wrong sign wrap to the others' end.
#ifdef INTEGER
#if SIZE == 8
Element wide(uvec2 words) { return packUint2x32(words); }
#else
Element wide(uvec2 words) { return words.x; }
#endif
Element key(Element x) { return x ^ wide(pc.constant); }
Element unkey(Element k) { return k ^ wide(pc.constant); }

Element divided(Element x) {
  Element m = x & (~Element(0) >> (SIZE == 8 ? 0 : 32 - 8 * SIZE));
  bool negative = false;
  if ((pc.flags & kSigned) != 0 && (m >> (8 * SIZE - 1)) != 0) {
    negative = true;
    m = (~m + 1) & (~Element(0) >> (SIZE == 8 ? 0 : 32 - 8 * SIZE));
  }
#if SIZE == 8
  const Element q = m / wide(pc.divisor);
#else
  const Element q = pc.divisor.y != 0 ? 0u : m / max(pc.divisor.x, 1u);
#endif
  return negative ? ~q + 1 : q;
}
#else
const int kSpare = SIZE == 8 ? 0 : 32 - 8 * SIZE;
Element in_order(Element x) { return x ^ ((x & kSignBit) != 0 ? ~kSignBit : Element(0)); }
Element key(Element x) { return (in_order(x << kSpare) + pair(pc.bias)) ^ pair(pc.constant); }
Element unkey(Element k) { return in_order((k ^ pair(pc.constant)) - pair(pc.bias)) >> kSpare; }
#endif

Element decoded(uint words[WORDS], int i) {
#if SIZE == 8
  Element x = packUint2x32(uvec2(words[2 * i], words[2 * i + 1]));
#elif SIZE == 4
  Element x = words[i];
#else
  Element x = (words[i * SIZE / 4] >> (8 * (i * SIZE % 4))) & ((1u << (8 * SIZE)) - 1);
#endif
  if (operation() == kExtreme) return key(x);
#ifdef LOW_PRECISION
  x = widened(x);
#endif
  return x;
}

Element combined(Element a, Element b) {
  switch (operation()) {
    case kExtreme:
      return a < b ? b : a;
#ifdef INTEGER
    case kSum:
      return a + b;
    case kProduct:
      return a * b;
#if SIZE == 4
    case kAnd:
      return a & b;
    case kOr:
      return a | b;
    case kXor:
      return a ^ b;
#endif
#else
    case kSum:
      return sum(a, b);
    case kProduct:
      return product(a, b);
#endif
  }
  return a;
}

uint[WORDS] encoded(Element value[ELEMENTS]) {
  uint words[WORDS];
  [[unroll]] for (int w = 0; w < WORDS; ++w) words[w] = 0;
  [[unroll]] for (int i = 0; i < ELEMENTS; ++i) {
    Element x = value[i];
    if (operation() == kExtreme) {
      x = unkey(x);
    } else {
#ifdef INTEGER
      if ((pc.flags & kDivides) != 0) x = divided(x);
#else
      if ((pc.flags & kDivides) != 0) x = quotient(x);
#endif
#ifdef LOW_PRECISION
      x = narrowed(x);
#endif
    }
#if SIZE == 8
    const uvec2 halves = unpackUint2x32(x);
    words[2 * i] = halves.x;
    words[2 * i + 1] = halves.y;
#elif SIZE == 4
    words[i] = x;
#else
    words[i * SIZE / 4] |= (x & ((1u << (8 * SIZE)) - 1)) << (8 * (i * SIZE % 4));
#endif
  }
  return words;
}
