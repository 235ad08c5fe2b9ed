#pragma once
// The CPU's elementwise loops, compiled once for each instruction set and chosen at run time. Every
// instruction set gives the same bits (except which of several NaNs comes out). Any alignment, any
// count. A destination may be equal to a source, and may not overlap one otherwise.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rlx/dtype.hpp"
#include "rlx/reduce_kind.hpp"

namespace rlx::cpu {

/// destination[i] = a[i] op b[i]
using PairKernel = void (*)(void* destination, const void* a, const void* b, std::size_t count);
/// destination[i] = source[i] / divisor
using DivideKernel = void (*)(void* destination, const void* source, std::size_t count,
                              std::uint64_t divisor);
/// destination[i] = source[i] as another type
using ConvertKernel = void (*)(void* destination, const void* source, std::size_t count);

inline constexpr std::size_t kDTypeCount = std::size(kAllDTypes);
inline constexpr std::size_t kKindCount = std::size(kAllReduceKinds);

/// One instruction set's loops, by number of DType and ReduceKind. f16 and bf16 have only
/// conversions: their arithmetic is f32's. Mean folds as Sum does.
struct Kernels {
  const char* target = "";  ///< "AVX2"
  std::array<std::array<PairKernel, kKindCount>, kDTypeCount> pair{};
  std::array<DivideKernel, kDTypeCount> divide{};
  std::array<ConvertKernel, kDTypeCount> to_f32{};    ///< f16 and bf16 only
  std::array<ConvertKernel, kDTypeCount> from_f32{};  ///< the same; rounds to nearest even
};

/// The best for this processor. Never changes within a process.
[[nodiscard]] const Kernels& kernels() noexcept;

/// All that this processor can run, for tests: not while other threads run kernels() for the first
/// time.
[[nodiscard]] std::vector<const Kernels*> all_kernels();

}  // namespace rlx::cpu
