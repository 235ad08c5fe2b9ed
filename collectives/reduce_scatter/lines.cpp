// Data and signals in the same cache lines: short blocks over mapped memory.
//
//   Every rank publishes each other's block, 56 bytes a line, each line with a signal of its own;
//   rank r reads what the others have published for it and adds it up.
//
// 1 round; every rank writes and reads p - 1 blocks. Best to some hundred bytes on one node. Sums
// in rank order.
//
// The lines belong to the epoch's set, which is used again when everybody is done with it (all
// ranks wait for all, rule 5). Nobody touches a peer's input or output: no ARRIVE, no EXIT.

#include <algorithm>

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::reduce_scatter::lines {

namespace {

Word span_for(std::uint32_t ranks) {
  const std::uint32_t words = kWordsPerSet / std::max(ranks - 1, 1u);
  return static_cast<Word>(std::min<std::uint32_t>(lines_for(ranks), words));
}

// The words of a rank's d-th neighbour.
Word words_for(std::uint32_t d, Word span) { return static_cast<Word>((d - 1) * span); }

}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::reduce_scatter, group, group.size);
  const Word span = span_for(b.size());
  for (std::uint32_t d = 1; d < b.size(); ++d)
    b.publish(words_for(d, span), b.input(b.plus(d)), span);
  for (std::uint32_t d = 1; d < b.size(); ++d)
    b.await_published(words_for(d, span), b.minus(d), span);
  const auto line_from = [&](std::uint32_t peer) {
    const std::uint32_t d = (b.me() + b.size() - peer) % b.size();
    return b.line_of(peer, words_for(d, span), span);
  };
  b.reduce(b.output(0), of_all(b, b.input(b.me()), line_from), Finalise::yes);
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
          .loaded_chunks = others,
          .most_bytes = span_for(ranks) * kLinePayload};
}

bool supports(std::uint32_t ranks) { return ranks <= kWordsPerSet; }

}  // namespace rlx::collectives::reduce_scatter::lines
