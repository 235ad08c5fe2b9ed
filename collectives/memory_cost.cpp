#include "collectives/memory_cost.hpp"

namespace rlx::collectives {
namespace {

constexpr MemoryCost kMesh;

constexpr MemoryCost kComplexes{
    .rotates_from = 512,
    .rotates_to = 128 << 10,
    .rotates_most_ranks = 2,
};

}  // namespace

std::string_view to_string(CacheLayout layout) noexcept {
  return layout == CacheLayout::mesh ? "mesh" : "complexes";
}

CacheLayout cache_layout_here() noexcept {
#if defined(__x86_64__)
  return __builtin_cpu_is("amd") != 0 ? CacheLayout::complexes : CacheLayout::mesh;
#else
  return CacheLayout::mesh;
#endif
}

const MemoryCost& memory_cost(CacheLayout layout) noexcept {
  return layout == CacheLayout::mesh ? kMesh : kComplexes;
}

}  // namespace rlx::collectives
