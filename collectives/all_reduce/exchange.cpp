// Everybody sends everything to everybody: the shortest vectors of few ranks, over any transport.
//
//   Every rank puts a copy of its vector into every other's scratch and adds up what it gets.
//
// 1 round of p - 1 messages, (p - 1) n bytes sent. (A copy: in place the sum overwrites the input
// while the puts may still be on their way.) Best where a hop costs more than the bytes: two
// ranks over a network. For two it is recursive doubling. Sums in rank order, the same on every
// rank.
//
// Scratch chunk r is written by rank r alone, and the set is used again when everybody is done with
// it (all ranks wait for all, rule 5). Nobody touches a peer's input or output.

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_reduce::exchange {

namespace {
// A rank's word d - 1 is written by the rank d before it.
constexpr Word from_before(std::uint32_t d) { return static_cast<Word>(d - 1); }
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_reduce, group, 1, group.size > 1 ? group.size : 0);
  if (b.size() > 1) b.copy(b.scratch(b.me()), b.input(0));
  for (std::uint32_t d = 1; d < b.size(); ++d)
    b.put(b.plus(d), b.scratch(b.me()), b.scratch(b.me()), from_before(d));
  for (std::uint32_t d = 1; d < b.size(); ++d) b.wait(from_before(d), b.minus(d));
  b.reduce(b.output(0), of_all(b, b.input(0), [&](std::uint32_t peer) { return b.scratch(peer); }),
           Finalise::yes);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t others = ranks - 1;
  const std::uint32_t one = ranks > 1;
  return {.rounds = one,
          .sent_chunks = others,
          .path_chunks = one,
          .reduced_chunks = others,
          .chunks = 1,
          .messages = others,
          .copied_chunks = one,
          .scratch_chunks = ranks > 1 ? ranks : 0};
}

bool supports(std::uint32_t ranks) { return ranks <= kWordsPerSet; }

}  // namespace rlx::collectives::all_reduce::exchange
