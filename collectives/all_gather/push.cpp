// Every rank stores its block to all outputs, one after the other. Mapped memory.
//
//   Every rank tells where its output is, copies its own block there, and stores it to each other
//   rank's output as soon as that rank has come, beginning with the next one.
//
// 2 rounds without data; p n bytes read, from the core's own cache but for the first time, and
// stored by each rank. Best for long blocks of few ranks.
//
// A block of an output is written by one rank, and in place not by its owner. A rank completes when
// everybody has stored to its output: one word of each (rule 3).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::all_gather::push {

namespace {
constexpr Word kArrive = 0;
constexpr Word kStored = 1;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_gather, group, group.size);
  if (b.size() > 1) b.publish_arrival(kArrive);
  b.copy(b.output(b.me()), b.input(0));
  for_each_peer(b, [&](std::uint32_t peer) {
    b.await_published_arrival(kArrive, peer);
    b.copy(b.output_of(peer, b.me()), b.input(0));
  });
  meet(b, kStored);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t two = ranks > 1 ? 2 : 0;
  return {.rounds = two,
          .chunks = ranks,
          .messages = two,
          .copied_chunks = ranks,
          .stored_chunks = ranks - 1};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::all_gather::push
