// Loads and stores at device addresses, which are pairs of words so that no 64-bit integers are
// needed. No byte outside an operand is written, nor read.
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Vectors { uvec4 at; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Words { uint at; };
layout(buffer_reference, std430, buffer_reference_align = 1) buffer Bytes { uint8_t at; };
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer Addresses {
  uvec2 at;
};

uvec2 plus(uvec2 address, uint offset) {
  uint carry;
  const uint low = uaddCarry(address.x, offset, carry);
  return uvec2(low, address.y + carry);
}

uvec2 from_table(uint index) {
  const uvec2 base = Addresses(plus(pc.sources[0], 8 * index)).at;
  const uvec2 sum = plus(base, pc.sources[1].x);
  return uvec2(sum.x, sum.y + pc.sources[1].y);
}

uvec2 source(uint s) { return (pc.flags & kTable) != 0 ? from_table(s) : pc.sources[s]; }
uvec2 destination(uint d) {
  return (pc.flags & kTable) != 0 ? from_table((pc.operands & 0xffffu) + d) : pc.destinations[d];
}

// Of the unit at `offset`, so many bytes are the operand's. Vectors come in whole workgroups.
#if VECTOR
uint bytes_at(uint offset) { return 16; }

uint[WORDS] load(uvec2 operand, uint offset, uint bytes) {
  const uvec4 v = Vectors(plus(operand, offset)).at;
  return uint[WORDS](v.x, v.y, v.z, v.w);
}

void store(uvec2 operand, uint offset, uint bytes, uint words[WORDS]) {
  Vectors(plus(operand, offset)).at = uvec4(words[0], words[1], words[2], words[3]);
}
#else
uint bytes_at(uint offset) {
  return offset < pc.bytes ? min(pc.bytes - offset, uint(4 * WORDS)) : 0u;
}

uint[WORDS] load(uvec2 operand, uint offset, uint bytes) {
  uint words[WORDS];
  const uvec2 from = plus(operand, offset);
  [[unroll]] for (uint w = 0; w < WORDS; ++w) {
    words[w] = 0;
    if ((pc.flags & kWords) != 0 && bytes >= 4 * w + 4) {
      words[w] = Words(plus(from, 4 * w)).at;
    } else {
      const uint end = min(bytes, 4 * w + 4);
      for (uint b = 4 * w; b < end; ++b) {
        words[w] |= uint(Bytes(plus(from, b)).at) << (8 * (b & 3u));
      }
    }
  }
  return words;
}

void store(uvec2 operand, uint offset, uint bytes, uint words[WORDS]) {
  const uvec2 to = plus(operand, offset);
  [[unroll]] for (uint w = 0; w < WORDS; ++w) {
    if ((pc.flags & kWords) != 0 && bytes >= 4 * w + 4) {
      Words(plus(to, 4 * w)).at = words[w];
    } else {
      const uint end = min(bytes, 4 * w + 4);
      for (uint b = 4 * w; b < end; ++b) {
        Bytes(plus(to, b)).at = uint8_t((words[w] >> (8 * (b & 3u))) & 255u);
      }
    }
  }
}
#endif
