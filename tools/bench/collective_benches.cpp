#include <fmt/format.h>

#include "tools/bench/collective_bench.hpp"
#include "tools/bench/usage_error.hpp"

namespace rlx::bench {

std::string_view to_string(Placement placement) {
  return placement == Placement::out_of_place ? "out-of-place" : "in-place";
}

std::string_view to_string(BufferKind kind) {
  if (kind == BufferKind::device) return "device";
  return kind == BufferKind::heap ? "heap" : "private";
}

std::span<const CollectiveBench* const> collective_benches() {
  static constexpr const CollectiveBench* kBenches[] = {&kAllReduceBench, &kAllGatherBench,
                                                        &kReduceScatterBench, &kBarrierBench};
  return kBenches;
}

const CollectiveBench& find_collective_bench(std::string_view name) {
  std::string names;
  for (const CollectiveBench* bench : collective_benches()) {
    if (bench->name == name) return *bench;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", bench->name);
  }
  throw UsageError(fmt::format("unknown collective '{}': there are {}", name, names));
}

}  // namespace rlx::bench
