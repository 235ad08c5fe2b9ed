#pragma once
// From the run-time tag to the C++ type.

#include <type_traits>

#include "rlx/dtype.hpp"

namespace rlx::bench {

/// Calls `f(std::type_identity<T>{})` with the type that `dtype` stands for.
template <class F>
decltype(auto) with_element(DType dtype, F&& f) {
  switch (dtype) {
    case DType::i8:
      return f(std::type_identity<std::int8_t>{});
    case DType::i16:
      return f(std::type_identity<std::int16_t>{});
    case DType::i32:
      return f(std::type_identity<std::int32_t>{});
    case DType::i64:
      return f(std::type_identity<std::int64_t>{});
    case DType::u8:
      return f(std::type_identity<std::uint8_t>{});
    case DType::u16:
      return f(std::type_identity<std::uint16_t>{});
    case DType::u32:
      return f(std::type_identity<std::uint32_t>{});
    case DType::u64:
      return f(std::type_identity<std::uint64_t>{});
    case DType::f16:
      return f(std::type_identity<float16>{});
    case DType::bf16:
      return f(std::type_identity<bfloat16>{});
    case DType::f32:
      return f(std::type_identity<float>{});
    case DType::f8e4m3:
      return f(std::type_identity<float8_e4m3>{});
    case DType::f8e5m2:
      return f(std::type_identity<float8_e5m2>{});
    case DType::f64:
      break;
  }
  return f(std::type_identity<double>{});
}

}  // namespace rlx::bench
