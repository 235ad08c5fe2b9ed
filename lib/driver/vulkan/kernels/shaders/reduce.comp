#version 460
// One dispatch of a reduction: every unit of every destination from the same unit of all sources,
// which are read before anything is written. A unit is what an invocation loads of one operand at
// once: 16 bytes where all operands are aligned (VECTOR), else a word or one element. Compiled once
// per TYPE_* and VECTOR.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference_uvec2 : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(local_size_x = 256) in;

const uint kSum = 0;
const uint kProduct = 1;
const uint kExtreme = 2;
const uint kAnd = 3;
const uint kOr = 4;
const uint kXor = 5;
const uint kAny = 255;

layout(constant_id = 0) const uint kOperation = kAny;  // kAny: as the push constants say
layout(constant_id = 1) const bool kKeepsDenormals = false;

const uint kDivides = 1u << 8;
const uint kSigned = 1u << 9;
const uint kTable = 1u << 10;
const uint kWords = 1u << 11;  // every operand is aligned to words

// As PushConstants in push_constants.hpp.
layout(push_constant) uniform PushConstants {
  uvec2 sources[8];  // kTable: [0] a table of all addresses, sources first, [1] what to add to them
  uvec2 destinations[3];
  uvec2 divisor;   // integers: itself; floats: its mantissa
  uvec2 constant;  // kExtreme: mask of the keys; floats: 2^(kMantissa + 1) / the mantissa, a float
  uvec2 bias;      // kExtreme, floats: added to the keys
  uint bytes;      // of each operand
  uint operands;   // sources, and destinations << 16
  uint flags;      // the operation and the above
  uint exponent;   // floats: the divisor's, biased
} pc;

uint operation() { return kOperation == kAny ? pc.flags & 255u : kOperation; }

#include "memory.glsl"
#if defined(REAL) || defined(LOW_PRECISION)
#include "real.glsl"
#endif
#ifdef LOW_PRECISION
#include "low_precision.glsl"
#endif
#include "elements.glsl"

void main() {
  const uint first = (gl_WorkGroupID.x * UNITS * 256 + gl_LocalInvocationID.x) * (4 * WORDS);
  const uint stride = 256 * 4 * WORDS;
  const uint sources = pc.operands & 0xffffu;
  const uint destinations = pc.operands >> 16;
  uint bytes[UNITS];
  [[unroll]] for (int u = 0; u < UNITS; ++u) bytes[u] = bytes_at(first + u * stride);
  // All loads of a source are under way at once.
  Element value[UNITS][ELEMENTS];
  [[unroll]] for (int u = 0; u < UNITS; ++u) {
    const uint[WORDS] words = load(source(0), first + u * stride, bytes[u]);
    [[unroll]] for (int i = 0; i < ELEMENTS; ++i) value[u][i] = decoded(words, i);
  }
  for (uint s = 1; s < sources; ++s) {
    const uvec2 from = source(s);
    uint words[UNITS][WORDS];
    [[unroll]] for (int u = 0; u < UNITS; ++u) {
      words[u] = load(from, first + u * stride, bytes[u]);
    }
    [[unroll]] for (int u = 0; u < UNITS; ++u) {
      [[unroll]] for (int i = 0; i < ELEMENTS; ++i) {
        value[u][i] = combined(value[u][i], decoded(words[u], i));
      }
    }
  }
  [[unroll]] for (int u = 0; u < UNITS; ++u) {
    const uint[WORDS] words = encoded(value[u]);
    for (uint d = 0; d < destinations; ++d) {
      store(destination(d), first + u * stride, bytes[u], words);
    }
  }
}
