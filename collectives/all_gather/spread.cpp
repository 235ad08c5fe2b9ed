// Every rank stores its block to all outputs in one pass. Mapped memory.
//
//   When everybody has told where its output is, every rank reads its block once and stores it to
//   all outputs, a cache's worth at a time.
//
// 2 rounds without data; n bytes read and p n stored by each rank. Best for the longest blocks,
// which are in no cache: what is read, is read once.
//
// A block of an output is written by one rank, and in place not by its owner. A rank completes when
// everybody has stored to its output: one word of each (rule 3).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::all_gather::spread {

namespace {
constexpr Word kArrive = 0;
constexpr Word kStored = 1;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_gather, group, group.size);
  arrive_all(b, kArrive);
  b.copy(of_all(b, b.output(b.me()), [&](std::uint32_t peer) { return b.output_of(peer, b.me()); }),
         b.input(0));
  meet(b, kStored);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t two = ranks > 1 ? 2 : 0;
  return {.rounds = two,
          .chunks = ranks,
          .messages = two,
          .copied_chunks = 1,
          .stored_chunks = ranks - 1};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::all_gather::spread
