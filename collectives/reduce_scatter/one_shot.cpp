// One shot: every rank reads its block of all inputs where they lie. Mapped memory.
//
//   Every rank tells where its input is, adds up its block of all inputs into its output, and tells
//   that it has read them.
//
// 2 rounds without data; each rank reads n bytes, p blocks, and writes one block. Best from some
// KiB upwards. Sums in rank order.
//
// Block r of every input is read by rank r alone, so in place, where the output is that block of
// its own input, nobody reads what it writes. EXIT is one word that everybody awaits (rule 3).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::reduce_scatter::one_shot {

namespace {
constexpr Word kArrive = 0;
constexpr Word kExit = 1;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::reduce_scatter, group, group.size);
  const std::uint32_t mine = b.me();
  arrive_all(b, kArrive);
  b.reduce(b.output(0),
           of_all(b, b.input(mine), [&](std::uint32_t peer) { return b.input_of(peer, mine); }),
           Finalise::yes);
  meet(b, kExit);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t others = ranks - 1;
  const std::uint32_t two = ranks > 1 ? 2 : 0;
  return {.rounds = two,
          .reduced_chunks = others,
          .chunks = ranks,
          .messages = two,
          .loaded_chunks = others};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::reduce_scatter::one_shot
