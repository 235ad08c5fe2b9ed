#pragma once
// The names that nccl-tests prints, so that its readers understand ours.

#include <string_view>

#include "rlx/dtype.hpp"
#include "rlx/reduce_kind.hpp"

namespace rlx::bench {

/// "float", "double", "half", "bfloat16", "int8" ... "uint64".
[[nodiscard]] std::string_view benchmark_name(DType dtype);
/// "sum", "avg", "max", "min", "prod".
[[nodiscard]] std::string_view benchmark_name(ReduceKind kind);

}  // namespace rlx::bench
