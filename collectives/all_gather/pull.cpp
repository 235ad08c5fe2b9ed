// Every rank reads all blocks where they lie. Mapped memory.
//
//   Every rank tells where its block is, copies its own, copies that of each other as soon as that
//   rank has come, beginning with the next one, and tells that it has read them.
//
// 2 rounds without data; p n bytes read and written by each rank. Best for middling blocks.
//
// A block is read by all and, in place, written by nobody. EXIT is one word that everybody awaits
// (rule 3), which also makes the words reusable (rule 5).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::all_gather::pull {

namespace {
constexpr Word kArrive = 0;
constexpr Word kExit = 1;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_gather, group, group.size);
  if (b.size() > 1) b.publish_arrival(kArrive);
  b.copy(b.output(b.me()), b.input(0));
  for_each_peer(b, [&](std::uint32_t peer) {
    b.await_published_arrival(kArrive, peer);
    b.copy(b.output(peer), b.input_of(peer, 0));
  });
  meet(b, kExit);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t two = ranks > 1 ? 2 : 0;
  return {.rounds = two,
          .chunks = ranks,
          .messages = two,
          .copied_chunks = ranks,
          .loaded_chunks = ranks - 1};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::all_gather::pull
