// Everybody sends each its block: short blocks of few ranks, over any transport.
//
//   Every rank puts block r into the scratch of rank r and adds up what it gets.
//
// 1 round of p - 1 messages; the fewest bytes there can be. Best where a hop costs more than the
// bytes, and for private memory. Sums in rank order.
//
// Scratch chunk r is written by rank r alone, and the set is used again when everybody is done with
// it (all ranks wait for all, rule 5). Nobody touches a peer's input or output.

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::reduce_scatter::exchange {

namespace {
// A rank's word d - 1 is written by the rank d before it.
constexpr Word from_before(std::uint32_t d) { return static_cast<Word>(d - 1); }
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::reduce_scatter, group, group.size, group.size > 1 ? group.size : 0);
  for (std::uint32_t d = 1; d < b.size(); ++d)
    b.put(b.plus(d), b.scratch(b.me()), b.input(b.plus(d)), from_before(d));
  for (std::uint32_t d = 1; d < b.size(); ++d) b.wait(from_before(d), b.minus(d));
  b.reduce(b.output(0),
           of_all(b, b.input(b.me()), [&](std::uint32_t peer) { return b.scratch(peer); }),
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
          .chunks = ranks,
          .messages = others,
          .scratch_chunks = ranks > 1 ? ranks : 0};
}

bool supports(std::uint32_t ranks) { return ranks <= kWordsPerSet; }

}  // namespace rlx::collectives::reduce_scatter::exchange
