#include "lib/communicator/spreading.hpp"

#include <algorithm>

namespace rlx::detail {

std::optional<int> better_core(std::span<const int> cores, std::size_t me,
                               const cpu_set_t& allowed) noexcept {
  const int here = cores[me];
  if (here == kNoCore || std::ranges::count(cores.subspan(me + 1), here) > 0) return std::nullopt;
  std::optional<int> best;
  auto fewest = std::ranges::count(cores, here) - 1;  // one less here would make as many there
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed)) continue;
    const auto ranks = std::ranges::count(cores, core);
    if (ranks >= fewest) continue;
    fewest = ranks;
    best = core;
  }
  return best;
}

void move_to(int core) noexcept {
  cpu_set_t before;
  if (sched_getaffinity(0, sizeof before, &before) != 0) return;
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(core, &only);
  if (sched_setaffinity(0, sizeof only, &only) == 0) sched_setaffinity(0, sizeof before, &before);
}

}  // namespace rlx::detail
