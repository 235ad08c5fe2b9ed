#include "lib/driver/cpu/kernels.hpp"

#include <hwy/highway.h>

namespace rlx::cpu {
namespace {

constexpr bool kX86 = HWY_ARCH_X86;

// Of the instruction set that Highway dispatches to now.
Kernels chosen() {
  Kernels table;
  add_integers(table);
  add_floats(table);
  add_halves(table);
  add_eights(table);
  return table;
}

}  // namespace

const Kernels& kernels() noexcept {
  static const Kernels best = chosen();
  return best;
}

const Kernels& light_kernels() noexcept {
  // Highway numbers the better instruction sets of a processor lower.
  static const Kernels light = [] {
    const std::int64_t lighter = hwy::SupportedTargets() & ~(std::int64_t{HWY_AVX2} - 1);
    const Kernels& best = kernels();
    if (!kX86 || lighter == 0) return best;
    hwy::SetSupportedTargetsForTest(lighter);
    const Kernels table = chosen();
    hwy::SetSupportedTargetsForTest(0);
    return table;
  }();
  return light;
}

std::vector<Kernels> all_kernels() {
  std::vector<Kernels> tables;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    tables.push_back(chosen());
  }
  hwy::SetSupportedTargetsForTest(0);
  return tables;
}

}  // namespace rlx::cpu
