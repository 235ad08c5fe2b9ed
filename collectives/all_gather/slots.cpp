// Through a slot of each rank: short blocks over mapped memory.
//
//   Every rank copies its block to its own scratch and publishes that it is there; the others copy
//   it from there to their outputs.
//
// 1 round; n bytes copied in, p n out. Best between a line and some KiB, and for private memory:
// nothing of the user's is touched by a peer, so there is no ARRIVE and no EXIT.
//
// Scratch and word belong to the epoch's set, used again when everybody is done with it, since all
// ranks wait for all (rule 5).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::all_gather::slots {

namespace {
constexpr Word kReady = 0;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_gather, group, group.size, group.size > 1 ? 1 : 0);
  if (b.size() > 1) {
    b.copy(b.scratch(0), b.input(0));
    b.publish(kReady);
  }
  b.copy(b.output(b.me()), b.input(0));
  for_each_peer(b, [&](std::uint32_t peer) {
    b.await_published(kReady, peer);
    b.copy(b.output(peer), b.scratch_of(peer, 0));
  });
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t one = ranks > 1;
  return {.rounds = one,
          .chunks = ranks,
          .messages = one,
          .copied_chunks = ranks + one,
          .scratch_chunks = one,
          .loaded_chunks = ranks - 1};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::all_gather::slots
