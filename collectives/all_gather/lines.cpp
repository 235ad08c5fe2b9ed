// Everything in one cache line: blocks of up to 56 bytes over mapped memory.
//
//   Every rank publishes its block together with its signal, in one line, and reads the lines of
//   all others.
//
// 1 round; every rank writes one line and reads p - 1. Best for a few bytes on one node.
//
// The line belongs to the epoch's set, which is used again when everybody is done with it (all
// ranks wait for all, rule 5). Nobody touches a peer's input or output: no ARRIVE, no EXIT.

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::all_gather::lines {

namespace {
constexpr Word kData = 0;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_gather, group, group.size);
  const Word span = lines_for(b.size());
  if (b.size() > 1) b.publish(kData, b.input(0), span);
  b.copy(b.output(b.me()), b.input(0));
  for_each_peer(b, [&](std::uint32_t peer) {
    b.await_published(kData, peer, span);
    b.copy(b.output(peer), b.line_of(peer, kData, span));
  });
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t one = ranks > 1;
  return {.rounds = one,
          .sent_chunks = one,
          .path_chunks = one,
          .chunks = ranks,
          .messages = one,
          .copied_chunks = ranks,
          .loaded_chunks = ranks - 1,
          .most_bytes = lines_for(ranks) * kLinePayload};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::all_gather::lines
