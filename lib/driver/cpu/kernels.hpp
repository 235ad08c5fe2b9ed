#pragma once
// The CPU's kernels, compiled once for each instruction set and chosen at run time. Every
// instruction set gives the same bits (except which of several NaNs comes out).
//
// operations-inl.hpp   what is done to two vectors
// codecs-inl.hpp       how a dtype's bytes become vectors to work on, and back
// words-inl.hpp        the same for the low-precision types
// passes-inl.hpp       loops over memory: any number of sources and destinations in one pass
// steps-inl.hpp        a ComputeStep as passes
// kernels_*.cpp        the table of one group of dtypes, for every instruction set
// The -inl headers are compiled once per instruction set, as Highway's own are.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/driver/compute.hpp"
#include "rlx/dtype.hpp"
#include "rlx/reduce_kind.hpp"

namespace rlx::cpu {

/// destination[i] = source[i] as another type; any alignment, no overlap
using ConvertKernel = void (*)(void* destination, const void* source, std::size_t count);

inline constexpr std::size_t kDTypeCount = std::size(kAllDTypes);
inline constexpr std::size_t kKindCount = std::size(kAllReduceKinds);

/// Where a DType or ReduceKind stands in the tables below.
[[nodiscard]] constexpr std::size_t number(DType dtype) { return static_cast<std::size_t>(dtype); }
[[nodiscard]] constexpr std::size_t number(ReduceKind kind) {
  return static_cast<std::size_t>(kind);
}

/// size_of() without its exception: dtypes were checked when the call was made.
[[nodiscard]] constexpr std::size_t element_bytes(DType dtype) noexcept {
  constexpr unsigned char kBytes[kDTypeCount] = {1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 1, 1};
  return kBytes[number(dtype)];
}

/// One instruction set's.
struct Kernels {
  const char* target = "";  ///< "AVX2"
  /// Copies where the dtype does not support the kind.
  std::array<std::array<StepKernel, kKindCount>, kDTypeCount> step{};
  std::array<ConvertKernel, kDTypeCount> to_f32{};    ///< low-precision types only
  std::array<ConvertKernel, kDTypeCount> from_f32{};  ///< the same; rounds to nearest even
};

/// The best for this processor. Never changes within a process.
[[nodiscard]] const Kernels& kernels() noexcept;

/// The best whose use costs nothing afterwards. Processors lower their clock for arithmetic on
/// vectors of 64 bytes: they need half a millisecond of slow work for that, and as soon as a
/// millisecond without it they begin anew.
[[nodiscard]] const Kernels& light_kernels() noexcept;

/// All that this processor can run, the best first, for tests: not while other threads run
/// kernels() for the first time.
[[nodiscard]] std::vector<Kernels> all_kernels();

// One per kernels_*.cpp: fill the chosen instruction set's entries of their dtypes. The integers
// come first, because every other entry starts as their copy.
void add_integers(Kernels& table);
void add_floats(Kernels& table);
void add_halves(Kernels& table);
void add_eights(Kernels& table);

}  // namespace rlx::cpu
