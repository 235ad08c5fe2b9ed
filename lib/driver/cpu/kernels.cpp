#include "lib/driver/cpu/kernels.hpp"

#include <hwy/highway.h>

namespace rlx::cpu {
namespace {

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
