// Circulant-graph reduce_scatter: the fewest rounds and the fewest bytes for any number of ranks.
//
//   Rank r keeps partial sums in rotated order, sum j is for the block of rank r + j. With
//   distances p = s0 > s1 = ceil(p/2) > s2 > ... > 1, round k sends sums [s_k, s_(k-1)) to rank r +
//   s_k, where they are added to sums 0, 1, ...; sum 0 is the result.
//
// Rounds and bytes: ceil(log2 p) rounds, each rank sends p - 1 blocks, one contiguous put a round.
// Best for short and middling blocks (Traff, "Optimal, Non-pipelined Reduce-scatter and Allreduce
// Algorithms", arXiv 2410.14234). Operands are commuted, as in every algorithm that is not one
// tree.
//
// No barrier: only scratch is put into, so no ARRIVE and no EXIT (rule 3).
// Scratch: the first round's blocks land in sums 0 .. p - s1 - 1, which this rank does not touch
// before it has awaited them (its inputs are added straight from the input); the other rounds land
// in chunks of their own. Sums [s_k, s_(k-1)) are written for the last time before they are put and
// nobody writes them again. The set's next epoch finds all of it free because a result holds every
// rank's contribution (all-dependent, rule 5).

#include "collectives/reduce_scatter/circulant.hpp"

#include <algorithm>
#include <bit>

#include "collectives/algorithms.hpp"

namespace rlx::collectives::reduce_scatter {

namespace {

// One rank's sums while they shrink from p to 1.
class Sums {
 public:
  explicit Sums(Builder& b) : b_(b), distances_(circulant_distances(b.size())) {}

  std::uint32_t rounds() const { return static_cast<std::uint32_t>(distances_.size()) - 1; }
  std::uint32_t distance(std::uint32_t round) const { return distances_[round]; }
  std::uint32_t received(std::uint32_t round) const {
    return distance(round - 1) - distance(round);
  }

  // Where the blocks of a round arrive: the first round's in the sums themselves.
  Ref arrived(std::uint32_t round, std::uint32_t first, std::uint32_t count) const {
    const std::uint32_t base = round == 1 ? 0 : b_.size() + distance(1) - distance(round - 1);
    return b_.scratch(base + first, count);
  }

  void send(std::uint32_t round) {
    const std::uint32_t count = received(round);
    b_.put(b_.plus(distance(round)), arrived(round, 0, count), b_.scratch(distance(round), count),
           static_cast<Word>(round - 1));
  }

  void wait(std::uint32_t round) {
    b_.wait(static_cast<Word>(round - 1), b_.minus(distance(round)));
  }

  // Adds what the round brought to the sums [first, last).
  void add(std::uint32_t round, std::uint32_t first, std::uint32_t last) {
    if (round == 1) return add_inputs(first, last);
    const std::uint32_t end = std::min(last, received(round));
    if (first >= end) return;
    const Ref sums = b_.scratch(first, end - first);
    b_.reduce({sums}, {arrived(round, first, end - first), sums});
  }

  void finish(std::span<const Ref> results) {
    const Ref mine = rounds() == 1 ? b_.input(b_.me()) : b_.scratch(0);
    const Ref sources[] = {arrived(rounds(), 0, 1), mine};
    b_.reduce(results, sources, Finalise::yes);
  }

 private:
  // The first round's sums: what arrived in place plus this rank's input. With an odd number of
  // ranks the last one receives nothing.
  void add_inputs(std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t j = first; j < last; ++j) {
      const Ref sum = b_.scratch(j);
      const Ref input = b_.input(b_.plus(j));
      if (j < received(1)) {
        b_.reduce({sum}, {sum, input});
      } else {
        b_.copy(sum, input);
      }
    }
  }

  Builder& b_;
  std::vector<std::uint32_t> distances_;
};

}  // namespace

std::vector<std::uint32_t> circulant_distances(std::uint32_t ranks) {
  std::vector<std::uint32_t> distances{ranks};
  while (distances.back() > 1) distances.push_back((distances.back() + 1) / 2);
  return distances;
}

void circulant_phase(Builder& b, std::span<const Ref> results) {
  Sums sums(b);
  for (std::uint32_t j = sums.distance(1); j < b.size(); ++j)
    b.copy(b.scratch(j), b.input(b.plus(j)));
  sums.send(1);
  for (std::uint32_t round = 1; round < sums.rounds(); ++round) {
    const std::uint32_t next = sums.distance(round + 1);
    sums.wait(round);
    sums.add(round, next, sums.distance(round));  // what the next round sends comes first
    sums.send(round + 1);
    sums.add(round, 0, next);
  }
  sums.wait(sums.rounds());
  sums.finish(results);
}

namespace circulant {

Schedule generate(const Group& group) {
  Builder b(Collective::reduce_scatter, group, group.size, circulant_scratch(group.size));
  const Ref result = b.output(0);
  if (group.size == 1) {
    b.copy(result, b.input(0), Finalise::yes);
    return b.finish();
  }
  circulant_phase(b, {&result, 1});
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const auto rounds = static_cast<std::uint32_t>(std::bit_width(ranks - 1));
  return {.rounds = rounds,
          .sent_chunks = ranks - 1,
          .path_chunks = ranks - 1,
          .reduced_chunks = ranks - 1,
          .chunks = ranks,
          .messages = rounds,
          .copied_chunks = (ranks + 1) / 2,
          .scratch_chunks = circulant_scratch(ranks)};
}

bool supports(std::uint32_t ranks) { return ranks <= 1u << 30; }

}  // namespace circulant
}  // namespace rlx::collectives::reduce_scatter
