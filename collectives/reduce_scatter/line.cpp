// Each block in one cache line: blocks of up to 56 bytes of few ranks, over any transport.
//
//   Every rank puts block r into a line of rank r, with its signal, and adds up the lines it gets.
//
// 1 round of p - 1 messages. Best for a few bytes: the data travel in the line of the signal. Sums
// in rank order.
//
// A line has one writer, and the set is used again when everybody is done with it (all ranks wait
// for all, rule 5). Nobody touches a peer's input or output: no ARRIVE, no EXIT.

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::reduce_scatter::line {

namespace {
// A rank's word d - 1 is written by the rank d before it.
constexpr Word from_before(std::uint32_t d) { return static_cast<Word>(d - 1); }
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::reduce_scatter, group, group.size);
  for (std::uint32_t d = 1; d < b.size(); ++d)
    b.put(b.plus(d), b.line(from_before(d)), b.input(b.plus(d)), from_before(d));
  for (std::uint32_t d = 1; d < b.size(); ++d) b.wait(from_before(d), b.minus(d));
  const auto line_from = [&](std::uint32_t peer) {
    return b.line(from_before((b.me() + b.size() - peer) % b.size()));
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
          .most_bytes = kLinePayload};
}

bool supports(std::uint32_t ranks) { return ranks <= kWordsPerSet; }

}  // namespace rlx::collectives::reduce_scatter::line
