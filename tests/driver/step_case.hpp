#pragma once
// One ComputeStep of random data, run by kernels and compared with the scalar reference.

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "lib/driver/compute.hpp"

namespace rlx::test {

struct StepCase {
  DType dtype = DType::f32;
  ReduceKind kind = ReduceKind::Sum;
  std::size_t sources = 2;
  std::size_t destinations = 1;
  std::size_t count = 0;
  std::uint64_t divisor = 0;
  std::uint64_t in_place = 0;  ///< bit d: destination d is source d, where there is one
  bool stream = false;
  bool skewed = false;  ///< every operand at an address of its own modulo 64, else all at 0
  std::uint64_t seed = 1;
};

[[nodiscard]] std::string describe(const StepCase& c);

/// A kernel under test, and what to call it.
struct NamedKernel {
  const char* name = "";
  std::function<void(const ComputeStep&)> run;
};

/// What is wrong with what one of the kernels made of the case, or "".
[[nodiscard]] std::string mismatch(const StepCase& c, std::span<const NamedKernel> kernels);

/// Divisors are for Mean only.
[[nodiscard]] std::uint64_t divisor_for(ReduceKind kind, std::uint64_t divisor);

}  // namespace rlx::test
