// One shot: every rank reads all inputs where they lie. Mapped memory, out of place.
//
//   Every rank tells where its input is, adds up all inputs into its output, and tells that it has
//   read them.
//
// 2 rounds without data; p n bytes read and n written by each rank. Best for middling vectors of
// few ranks: no byte is stored into another core's cache. Sums in rank order, the same on every
// rank.
//
// Input and output must be different memory, because peers read the input until their EXIT (rule
// 3). EXIT is one word that everybody awaits, which also makes the words reusable (rule 5).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::all_reduce::one_shot {

namespace {
constexpr Word kArrive = 0;
constexpr Word kExit = 1;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_reduce, group, 1);
  arrive_all(b, kArrive);
  b.reduce(b.output(0),
           of_all(b, b.input(0), [&](std::uint32_t peer) { return b.input_of(peer, 0); }),
           Finalise::yes);
  meet(b, kExit);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t others = ranks - 1;
  const std::uint32_t two = ranks > 1 ? 2 : 0;
  return {.rounds = two,
          .reduced_chunks = others,
          .chunks = 1,
          .messages = two,
          .loaded_chunks = others};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::all_reduce::one_shot
