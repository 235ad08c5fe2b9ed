#pragma once
// Reduction operations and their numeric rules.
//
// Integers: Sum and Product wrap; Mean divides the wrapped sum, truncating towards zero. And, Or
// and Xor work bit by bit and exist for integers only.
//
// Floats: Max and Min give one of the contributions unchanged, a NaN if any is NaN, and order -0
// below +0; which NaN it is, is not specified. Mean divides once, at the end.
//
// Low precision (f16, bf16, f8e4m3, f8e5m2): added, multiplied and divided in f32 within one reduce
// step, in the order of its sources, and rounded once, to nearest even, at its end. A result beyond
// the largest number becomes infinity in f16 and bf16, and the largest number in the 8-bit types
// (rlx/dtype.hpp).
//
// A step gives the same bits on every processor and device, NaNs' payloads aside.

#include <cstdint>
#include <string_view>

#include "rlx/dtype.hpp"

namespace rlx {

/// Numbers are part of the wire format (call descriptors).
enum class ReduceKind : std::uint8_t {
  Sum = 0,
  Mean = 1,
  Max = 2,
  Min = 3,
  Product = 4,
  And = 5,
  Or = 6,
  Xor = 7
};

/// Every operation there is, in wire order.
inline constexpr ReduceKind kAllReduceKinds[] = {
    ReduceKind::Sum,     ReduceKind::Mean, ReduceKind::Max, ReduceKind::Min,
    ReduceKind::Product, ReduceKind::And,  ReduceKind::Or,  ReduceKind::Xor};

/// "sum", "mean", "max", "min", "product", "and", "or", "xor".
[[nodiscard]] std::string_view to_string(ReduceKind kind);
/// Accepts the above and the names avg, prod, band, bor and bxor of benchmarks and MPI. Throws
/// CollectiveError(InvalidArgument).
[[nodiscard]] ReduceKind parse_reduce_kind(std::string_view name);
/// Whether the operation is defined for the dtype: all are for integers, and all but
/// And, Or and Xor for floats.
[[nodiscard]] bool supports(ReduceKind kind, DType dtype);

}  // namespace rlx
