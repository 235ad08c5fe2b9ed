// Every rank publishes one word and awaits that of every other. Mapped memory.
//
// 1 round; every rank writes one line and reads p - 1. Best on one node: up to 32 cores flat flags
// were never slower than trees.
//
// The words belong to the epoch's set, used again when everybody is done with it (rule 5).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::barrier::flags {

namespace {
constexpr Word kHere = 0;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::barrier, group, group.size);
  meet(b, kHere);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t one = ranks > 1;
  return {.rounds = one, .chunks = ranks, .messages = one};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::barrier::flags
