#include "rlx/dtype.hpp"

#include <fmt/format.h>

#include "lib/base/half.hpp"
#include "rlx/error.hpp"

namespace rlx {
namespace {

struct DTypeName {
  std::string_view name;
  DType dtype;
};

// The first name of a dtype is rlx's own; the others are what benchmarks call it.
constexpr DTypeName kDTypeNames[] = {
    {"i8", DType::i8},
    {"i16", DType::i16},
    {"i32", DType::i32},
    {"i64", DType::i64},
    {"u8", DType::u8},
    {"u16", DType::u16},
    {"u32", DType::u32},
    {"u64", DType::u64},
    {"f16", DType::f16},
    {"bf16", DType::bf16},
    {"f32", DType::f32},
    {"f64", DType::f64},
    {"int8", DType::i8},
    {"int16", DType::i16},
    {"int32", DType::i32},
    {"int64", DType::i64},
    {"uint8", DType::u8},
    {"uint16", DType::u16},
    {"uint32", DType::u32},
    {"uint64", DType::u64},
    {"float16", DType::f16},
    {"bfloat16", DType::bf16},
    {"float32", DType::f32},
    {"float64", DType::f64},
    {"half", DType::f16},
    {"float", DType::f32},
    {"double", DType::f64},
    {"char", DType::i8},
    {"int", DType::i32},
    {"f8e4m3", DType::f8e4m3},
    {"f8e5m2", DType::f8e5m2},
    {"fp8_e4m3", DType::f8e4m3},
    {"float8_e4m3", DType::f8e4m3},
    {"fp8_e5m2", DType::f8e5m2},
    {"float8_e5m2", DType::f8e5m2},
};

std::string known_names() {
  std::string names;
  for (const DTypeName& entry : kDTypeNames) {
    names += names.empty() ? "" : ", ";
    names += entry.name;
  }
  return names;
}

}  // namespace

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::i8:
    case DType::u8:
    case DType::f8e4m3:
    case DType::f8e5m2:
      return 1;
    case DType::i16:
    case DType::u16:
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::i32:
    case DType::u32:
    case DType::f32:
      return 4;
    case DType::i64:
    case DType::u64:
    case DType::f64:
      return 8;
  }
  throw CollectiveError(ErrorKind::InvalidArgument, "size_of",
                        fmt::format("no dtype has the number {}", static_cast<int>(dtype)));
}

std::string_view to_string(DType dtype) {
  for (const DTypeName& entry : kDTypeNames) {
    if (entry.dtype == dtype) return entry.name;
  }
  return "unknown";
}

DType parse_dtype(std::string_view name) {
  for (const DTypeName& entry : kDTypeNames) {
    if (entry.name == name) return entry.dtype;
  }
  throw CollectiveError(ErrorKind::InvalidArgument, "parse_dtype",
                        fmt::format("unknown dtype \"{}\"; use one of {}", name, known_names()));
}

bool is_floating(DType dtype) { return dtype >= DType::f16 && dtype <= DType::f8e5m2; }

bool is_signed(DType dtype) { return dtype <= DType::i64 || is_floating(dtype); }

float16::float16(float value) : bits(detail::f32_to_f16(value)) {}
float16::operator float() const { return detail::f16_to_f32(bits); }

bfloat16::bfloat16(float value) : bits(detail::f32_to_bf16(value)) {}
bfloat16::operator float() const { return detail::bf16_to_f32(bits); }

float8_e4m3::float8_e4m3(float value) : bits(detail::f32_to_f8<detail::kF8E4M3>(value)) {}
float8_e4m3::operator float() const { return detail::f8_to_f32<detail::kF8E4M3>(bits); }

float8_e5m2::float8_e5m2(float value) : bits(detail::f32_to_f8<detail::kF8E5M2>(value)) {}
float8_e5m2::operator float() const { return detail::f8_to_f32<detail::kF8E5M2>(bits); }

}  // namespace rlx
