// Bidirectional ring reduce_scatter.
//
//   Two sums for each block: one starts half way round to the left of its owner and travels to the
//   right, one starts to the right and travels to the left. Every rank adds its own input to either
//   on its way; the owner adds up both and its own.
//
// Rounds and bytes: p / 2 rounds, half of the ring's; each rank sends p - 1 blocks, the least
// possible, half of them to either neighbour, so both directions of a link are used. Best for long
// blocks (Jain and Sabharwal, "Optimal bucket algorithms for large MPI collectives on torus
// interconnects", 2010).
//
// No barrier: nobody touches a peer's input or output, so no ARRIVE and no EXIT is needed (rule 3),
// and a peer's scratch of this epoch is free because every rank completed the epoch that used the
// set before (rule 5: a rank's block holds every rank's contribution, so the schedule is
// all-dependent). Scratch is not reused: each hop has its own chunk, written once by a neighbour,
// then by this rank's sum, and is the source of one put. In place the result overwrites this rank's
// own block of the input, which only the last sum reads.

#include "collectives/reduce_scatter/bidirectional_ring.hpp"

#include <algorithm>
#include <vector>

#include "collectives/algorithms.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::reduce_scatter {

namespace {

// The sums that travel one way.
class Way {
 public:
  Way(Builder& b, std::uint32_t next, std::uint32_t before, std::uint32_t hops,
      std::uint32_t scratch, Word word)
      : b_(b), next_(next), before_(before), hops_(hops), scratch_(scratch), word_(word) {}

  void start(Ref input) {
    if (hops_ > 0) b_.put(next_, sum(0), input, word_);
  }
  // Passes on what came with hop `hop`, with my input.
  void pass_on(std::uint32_t hop, Ref input) {
    if (hop + 1 >= hops_) return;
    b_.wait(word_, before_);
    b_.reduce({sum(hop)}, {sum(hop), input});
    b_.put(next_, sum(hop + 1), sum(hop), word_);
  }
  // The sum of my own block, if one comes this way.
  void finish(std::vector<Ref>& sources) {
    if (hops_ == 0) return;
    b_.wait(word_, before_);
    sources.push_back(sum(hops_ - 1));
  }

 private:
  Ref sum(std::uint32_t hop) const { return b_.scratch(scratch_ + hop); }

  Builder& b_;
  std::uint32_t next_;
  std::uint32_t before_;
  std::uint32_t hops_;
  std::uint32_t scratch_;
  Word word_;
};

}  // namespace

void bidirectional_ring_phase(Builder& b, Ref result, Word from_left, Word from_right) {
  const std::uint32_t right = hops_right(b.size());
  const std::uint32_t left = hops_left(b.size());
  Way to_right(b, b.right(), b.left(), right, 0, from_left);
  Way to_left(b, b.left(), b.right(), left, right, from_right);
  to_right.start(b.input(b.plus(right)));
  to_left.start(b.input(b.minus(left)));
  for (std::uint32_t hop = 0; hop + 1 < right; ++hop) {
    to_right.pass_on(hop, b.input(b.plus(right - hop - 1)));
    if (hop + 1 < left) to_left.pass_on(hop, b.input(b.minus(left - hop - 1)));
  }
  std::vector<Ref> sources;
  to_right.finish(sources);
  sources.push_back(b.input(b.me()));
  to_left.finish(sources);
  b.reduce(result, sources, Finalise::yes);
}

namespace bidirectional_ring {

Schedule generate(const Group& group) {
  Builder b(Collective::reduce_scatter, group, group.size, group.size - 1);
  if (group.size == 1) {
    b.copy(b.output(0), b.input(0), Finalise::yes);
    return b.finish();
  }
  bidirectional_ring_phase(b, b.output(0), 0, 1);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t others = ranks - 1;
  return {.rounds = hops_right(ranks),
          .sent_chunks = others,
          .path_chunks = hops_right(ranks),
          .reduced_chunks = others,
          .chunks = ranks,
          .messages = others,
          .copied_chunks = others == 0 ? 1u : 0u,
          .scratch_chunks = others};
}

bool supports(std::uint32_t ranks) { return hops_right(ranks) <= kMaxPart; }

}  // namespace bidirectional_ring
}  // namespace rlx::collectives::reduce_scatter
