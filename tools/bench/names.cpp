#include "tools/bench/names.hpp"

namespace rlx::bench {

std::string_view benchmark_name(DType dtype) {
  switch (dtype) {
    case DType::i8:
      return "int8";
    case DType::i16:
      return "int16";
    case DType::i32:
      return "int32";
    case DType::i64:
      return "int64";
    case DType::u8:
      return "uint8";
    case DType::u16:
      return "uint16";
    case DType::u32:
      return "uint32";
    case DType::u64:
      return "uint64";
    case DType::f16:
      return "half";
    case DType::bf16:
      return "bfloat16";
    case DType::f32:
      return "float";
    case DType::f64:
      return "double";
    case DType::f8e4m3:
      return "fp8_e4m3";
    case DType::f8e5m2:
      return "fp8_e5m2";
  }
  return "unknown";
}

std::string_view benchmark_name(ReduceKind kind) {
  switch (kind) {
    case ReduceKind::Sum:
      return "sum";
    case ReduceKind::Mean:
      return "avg";
    case ReduceKind::Max:
      return "max";
    case ReduceKind::Min:
      return "min";
    case ReduceKind::Product:
      return "prod";
    case ReduceKind::And:
      return "band";
    case ReduceKind::Or:
      return "bor";
    case ReduceKind::Xor:
      return "bxor";
  }
  return "unknown";
}

}  // namespace rlx::bench
