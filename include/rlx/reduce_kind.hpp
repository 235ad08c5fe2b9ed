#pragma once
// Reduction operations and their numeric rules.
//
// Integer Sum and Product wrap; integer Mean divides the wrapped sum, truncating towards zero.
// Floating Max and Min return NaN if any input is NaN, and order -0 below +0.
// Floating Mean divides once, at the end. f16 and bf16 accumulate in f32 within one reduce step and
// round once, to nearest even, at its end.

#include <cstdint>
#include <string_view>

#include "rlx/dtype.hpp"

namespace rlx {

/// Numbers are part of the wire format (call descriptors).
enum class ReduceKind : std::uint8_t { Sum = 0, Mean = 1, Max = 2, Min = 3, Product = 4 };

inline constexpr ReduceKind kAllReduceKinds[] = {ReduceKind::Sum, ReduceKind::Mean, ReduceKind::Max,
                                                 ReduceKind::Min, ReduceKind::Product};

/// "sum", "mean", "max", "min", "product".
[[nodiscard]] std::string_view to_string(ReduceKind kind);
/// Accepts the above and the benchmark names avg and prod. Throws CollectiveError(InvalidArgument).
[[nodiscard]] ReduceKind parse_reduce_kind(std::string_view name);
/// Whether the operation is defined for the dtype (all are, for the dtypes of today).
[[nodiscard]] bool supports(ReduceKind kind, DType dtype);

}  // namespace rlx
