// Everything in one cache line: vectors of up to 56 bytes over mapped memory.
//
//   Every rank publishes its vector together with its signal, in one line, reads the lines of all
//   others and adds them up.
//
// 1 round; every rank writes one line and reads p - 1. Best for a few bytes on one node: a line has
// to travel once in any case, and here nothing else does. The sums are taken in rank order, the
// same on every rank.
//
// The line belongs to the epoch's set, which is used again when everybody is done with it (all
// ranks wait for all, rule 5). Nobody touches a peer's input or output: no ARRIVE, no EXIT.

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::all_reduce::lines {

namespace {
constexpr Word kData = 0;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_reduce, group, 1);
  const Word span = lines_for(b.size());
  if (b.size() > 1) b.publish(kData, b.input(0), span);
  for_each_peer(b, [&](std::uint32_t peer) { b.await_published(kData, peer, span); });
  b.reduce(b.output(0),
           of_all(b, b.input(0), [&](std::uint32_t peer) { return b.line_of(peer, kData, span); }),
           Finalise::yes);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t others = ranks - 1;
  const std::uint32_t one = ranks > 1;
  return {.rounds = one,
          .sent_chunks = one,
          .path_chunks = one,
          .reduced_chunks = others,
          .chunks = 1,
          .messages = one,
          .loaded_chunks = others,
          .most_bytes = lines_for(ranks) * kLinePayload};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::all_reduce::lines
