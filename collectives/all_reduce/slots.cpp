// Through a slot of each rank: short vectors over mapped memory.
//
//   Every rank copies its vector to its own scratch and publishes that it is there, reads the
//   scratch of all others and adds it up.
//
// 1 round; n bytes copied, p n read. Best between a line and some KiB, where a second round for
// leave to reuse the inputs would cost more than the copy. Any memory: nothing of the user's is
// touched by a peer, so there is no ARRIVE and no EXIT.
//
// Scratch and word belong to the epoch's set, used again when everybody is done with it, since all
// ranks wait for all (rule 5).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::all_reduce::slots {

namespace {
constexpr Word kReady = 0;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_reduce, group, 1, group.size > 1 ? 1 : 0);
  if (b.size() > 1) b.copy(b.scratch(0), b.input(0));
  meet(b, kReady);
  b.reduce(b.output(0),
           of_all(b, b.input(0), [&](std::uint32_t peer) { return b.scratch_of(peer, 0); }),
           Finalise::yes);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t others = ranks - 1;
  const std::uint32_t one = ranks > 1;
  return {.rounds = one,
          .reduced_chunks = others,
          .chunks = 1,
          .messages = one,
          .copied_chunks = one,
          .scratch_chunks = one,
          .loaded_chunks = others};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::all_reduce::slots
