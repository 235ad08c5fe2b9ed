// Circulant-graph reduce_scatter: the fewest rounds and the fewest bytes for any number of ranks.
//
//   Rank r keeps partial sums in rotated order, sum j is for the block of rank r + j. With
//   distances p = s0 > s1 = ceil(p/2) > s2 > ... > 1, round k sends sums [s_k, s_(k-1)) to rank r +
//   s_k, where they are added to sums 0, 1, ...; sum 0 is the result. With more partners in a round
//   distances shrink faster, and sums from 2 s_k on go to rank r + 2 s_k, and so on.
//
// Rounds and bytes: ceil(log2 p) rounds, each rank sends p - 1 blocks, one contiguous put a round.
// Best for short and middling blocks (Traff, "Optimal, Non-pipelined Reduce-scatter and Allreduce
// Algorithms", arXiv 2410.14234). Operands are commuted, as in every algorithm that is not one
// tree.
//
// No barrier: only scratch is put into, so no ARRIVE and no EXIT (rule 3).
// Scratch: the first round's blocks land in sums 0 .. p - s1 - 1 (of further partners in chunks of
// their own), which this rank does not touch before it has awaited them (its inputs are added
// straight from the input); the other rounds land in chunks of their own. Sums [s_k, s_(k-1)) are
// written for the last time before they are put and nobody writes them again. A single round puts
// straight from the input: blocks of others, which in place nobody overwrites here. The set's next
// epoch finds all of it free because a result holds every rank's contribution (all-dependent, rule
// 5).

#include "collectives/reduce_scatter/circulant.hpp"

#include <algorithm>

#include "rlx/signal_region.hpp"

namespace rlx::collectives::reduce_scatter {

namespace {

// One rank's sums while they shrink from p to 1.
class Sums {
 public:
  Sums(Builder& b, const Circulant& graph) : b_(b), graph_(graph) {}

  // What the first round sends has to lie together.
  void copy_inputs() {
    if (graph_.rounds() == 1) return;
    for (std::uint32_t j = graph_.distance(1); j < b_.size(); ++j)
      b_.copy(b_.scratch(j), b_.input(b_.plus(j)));
  }

  void send(std::uint32_t round) {
    for (std::uint32_t i = 1; i <= graph_.partners(round); ++i) {
      const Partner partner = graph_.reducing(b_, round, i);
      const std::uint32_t count = graph_.blocks(round, i);
      const Ref sums = graph_.rounds() == 1 ? b_.input(partner.to)
                                            : b_.scratch(i * graph_.distance(round), count);
      b_.put(partner.to, arrived(round, i, 0, count), sums, partner.word);
    }
  }

  void wait(std::uint32_t round) {
    for (std::uint32_t i = 1; i <= graph_.partners(round); ++i) {
      const Partner partner = graph_.reducing(b_, round, i);
      b_.wait(partner.word, partner.from);
    }
  }

  // Adds what the round brought to the sums [first, last).
  void add(std::uint32_t round, std::uint32_t first, std::uint32_t last) {
    if (round == 1) return add_inputs(first, last);
    // The last partner may have sent less than the others.
    const std::uint32_t partners = graph_.partners(round);
    const std::uint32_t all = graph_.blocks(round, partners);
    add_range(round, partners, first, std::min(last, all));
    add_range(round, partners - 1, std::max(first, all), last);
  }

  void finish(std::span<const Ref> results) {
    const std::uint32_t last = graph_.rounds();
    std::vector<Ref> sources = arrivals(last, graph_.partners(last), 0, 1);
    sources.push_back(last == 1 ? b_.input(b_.me()) : b_.scratch(0));
    b_.reduce(results, sources, Finalise::yes);
  }

 private:
  // Where the blocks of a round's partner arrive: the first of all in the sums themselves.
  Ref arrived(std::uint32_t round, std::uint32_t partner, std::uint32_t first,
              std::uint32_t count) const {
    if (round == 1 && partner == 1) return b_.scratch(first, count);
    const std::uint32_t before = (partner - 1) * graph_.distance(round);
    if (round == 1) return b_.scratch(b_.size() - graph_.distance(1) + before + first, count);
    const std::uint32_t later = circulant_scratch(graph_) - graph_.distance(round - 1) + 1;
    return b_.scratch(later + before + first, count);
  }

  std::vector<Ref> arrivals(std::uint32_t round, std::uint32_t partners, std::uint32_t first,
                            std::uint32_t count) const {
    std::vector<Ref> refs;
    for (std::uint32_t i = 1; i <= partners; ++i) refs.push_back(arrived(round, i, first, count));
    return refs;
  }

  void add_range(std::uint32_t round, std::uint32_t partners, std::uint32_t first,
                 std::uint32_t last) {
    if (partners == 0 || first >= last) return;
    const Ref sums = b_.scratch(first, last - first);
    std::vector<Ref> sources = arrivals(round, partners, first, last - first);
    sources.push_back(sums);
    b_.reduce(sums, sources);
  }

  // The first round's sums: what arrived plus this rank's input. With an odd number of ranks and
  // one partner the last sum receives nothing.
  void add_inputs(std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t j = first; j < last; ++j) {
      std::uint32_t partners = 0;
      while (partners < graph_.partners(1) && j < graph_.blocks(1, partners + 1)) ++partners;
      const Ref input = b_.input(b_.plus(j));
      if (partners == 0) {
        b_.copy(b_.scratch(j), input);
        continue;
      }
      std::vector<Ref> sources = arrivals(1, partners, j, 1);
      sources.push_back(input);
      b_.reduce(b_.scratch(j), sources);
    }
  }

  Builder& b_;
  const Circulant& graph_;
};

}  // namespace

void circulant_phase(Builder& b, const Circulant& graph, std::span<const Ref> results) {
  Sums sums(b, graph);
  sums.copy_inputs();
  sums.send(1);
  for (std::uint32_t round = 1; round < graph.rounds(); ++round) {
    const std::uint32_t next = graph.distance(round + 1);
    sums.wait(round);
    sums.add(round, next, graph.distance(round));  // what the next round sends comes first
    sums.send(round + 1);
    sums.add(round, 0, next);
  }
  sums.wait(graph.rounds());
  sums.finish(results);
}

Schedule generate_over(const Circulant& graph, const Group& group) {
  Builder b(Collective::reduce_scatter, group, group.size, circulant_scratch(graph));
  const Ref result = b.output(0);
  if (group.size == 1) {
    b.copy(result, b.input(0), Finalise::yes);
    return b.finish();
  }
  circulant_phase(b, graph, {&result, 1});
  return b.finish();
}

Cost cost_over(const Circulant& graph) {
  const std::uint32_t others = graph.distance(0) - 1;
  return {.rounds = graph.rounds(),
          .sent_chunks = others,
          .path_chunks = graph.longest_path(),
          .reduced_chunks = others,
          .chunks = graph.distance(0),
          .messages = graph.messages(),
          .copied_chunks = circulant_copies(graph),
          .scratch_chunks = circulant_scratch(graph)};
}

namespace circulant {

Schedule generate(const Group& group) {
  return generate_over(Circulant::balanced(group.size, 2), group);
}

Cost cost(std::uint32_t ranks) { return cost_over(Circulant::balanced(ranks, 2)); }

bool supports(std::uint32_t ranks) { return ranks <= 1u << 30; }

}  // namespace circulant
}  // namespace rlx::collectives::reduce_scatter
