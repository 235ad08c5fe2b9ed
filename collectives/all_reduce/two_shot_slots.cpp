// Two shots through scratch: memory that peers can not reach, over mapped scratch.
//
//   The vector is cut into p chunks. Every rank copies the chunks that others add up to its
//   scratch; rank r adds up chunk r of all, into its own output and its scratch; the others fetch
//   it there.
//
// 2 rounds without data; each rank copies (p - 1) / p n in, reduces n, and copies (p - 1) / p n
// out. Best for long private vectors, as pieces that stay in the caches. The sums are taken once.
//
// Chunks 0 .. p - 1 of scratch are inputs, chunk p the sum: each is written once. The set is used
// again when everybody is done with it, since all ranks wait for all (rule 5).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::all_reduce::two_shot_slots {

namespace {
constexpr Word kReady = 0;
constexpr Word kSum = 1;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_reduce, group, group.size, group.size > 1 ? group.size + 1 : 0);
  const std::uint32_t mine = b.me();
  const std::uint32_t sum = b.size();
  for_each_peer(b, [&](std::uint32_t peer) { b.copy(b.scratch(peer), b.input(peer)); });
  meet(b, kReady);
  const auto sources =
      of_all(b, b.input(mine), [&](std::uint32_t peer) { return b.scratch_of(peer, mine); });
  std::vector<Ref> sums{b.output(mine)};
  if (b.size() > 1) sums.push_back(b.scratch(sum));
  b.reduce(sums, sources, Finalise::yes);
  if (b.size() > 1) b.publish(kSum);
  for_each_peer(b, [&](std::uint32_t peer) {
    b.await_published(kSum, peer);
    b.copy(b.output(peer), b.scratch_of(peer, sum));
  });
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t others = ranks - 1;
  const std::uint32_t two = ranks > 1 ? 2 : 0;
  return {.rounds = two,
          .reduced_chunks = others,
          .chunks = ranks,
          .messages = two,
          .copied_chunks = 2 * others,
          .scratch_chunks = ranks > 1 ? ranks + 1 : 0,
          .loaded_chunks = 2 * others};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::all_reduce::two_shot_slots
