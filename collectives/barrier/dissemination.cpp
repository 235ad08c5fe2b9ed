// Dissemination barrier.
//
//   In round k each rank signals the rank 2^k places after it and waits for the one 2^k before it.
//   After round k a rank has heard, directly or not, of 2^(k+1) ranks.
//
// Rounds and bytes: ceil(log2 p) rounds, one signal each, no data, any p (Hensgen, Finkel and
// Manber, "Two algorithms for barrier synchronization", 1988).
//
// It is what "no barrier" elsewhere rests on, so it needs none: each round has a word of its own
// with one writer, nothing is reset, and a rank completes only after every rank arrived (rule 5),
// which frees the words for the set's next epoch.

#include <bit>

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"

namespace rlx::collectives::barrier::dissemination {

Schedule generate(const Group& group) {
  Builder b(Collective::barrier, group, group.size);
  Word round = 0;
  for (std::uint32_t distance = 1; distance < group.size; distance *= 2, ++round) {
    b.signal(b.plus(distance), round);
    b.wait(round, b.minus(distance));
  }
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const auto rounds = static_cast<std::uint32_t>(std::bit_width(ranks - 1));
  return {.rounds = rounds,
          .sent_chunks = 0,
          .reduced_chunks = 0,
          .chunks = ranks,
          .messages = rounds,
          .scratch_chunks = 0};
}

bool supports(std::uint32_t ranks) { return ranks <= 1u << 30; }

}  // namespace rlx::collectives::barrier::dissemination
