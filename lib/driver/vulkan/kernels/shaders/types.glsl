// SIZE of an element in bytes, what kind of number it is, and how many units an invocation does.
// SUMS_STAY_NORMAL: they are multiples of what is far above f32's denormals.
#if defined(TYPE_u8)
#define SIZE 1
#define INTEGER
#elif defined(TYPE_u16)
#define SIZE 2
#define INTEGER
#elif defined(TYPE_u32)
#define SIZE 4
#define INTEGER
#elif defined(TYPE_u64)
#define SIZE 8
#define INTEGER
#elif defined(TYPE_f32)
#define SIZE 4
#define REAL
#elif defined(TYPE_f64)
#define SIZE 8
#define REAL
#elif defined(TYPE_f16)
#define SUMS_STAY_NORMAL
#define SIZE 2
#define LOW_PRECISION
#define MANTISSA 10
#define BIAS 15
#elif defined(TYPE_bf16)
#define SIZE 2
#define LOW_PRECISION
#define MANTISSA 7
#define BIAS 127
#elif defined(TYPE_f8e4m3)
#define SUMS_STAY_NORMAL
#define SIZE 1
#define LOW_PRECISION
#define MANTISSA 3
#define BIAS 7
#elif defined(TYPE_f8e5m2)
#define SUMS_STAY_NORMAL
#define SIZE 1
#define LOW_PRECISION
#define MANTISSA 2
#define BIAS 15
#endif

#if SIZE == 8
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#define Element uint64_t
#else
#define Element uint
#endif

#if VECTOR
#define WORDS 4
#if SIZE < 4
#define UNITS SIZE
#else
#define UNITS 4
#endif
#else
#define WORDS (SIZE == 8 ? 2 : 1)
#define UNITS 4
#endif
#define ELEMENTS (4 * WORDS / SIZE)
