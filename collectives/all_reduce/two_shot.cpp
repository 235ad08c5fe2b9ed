// Two shots in one pass: every rank adds up its part of all inputs and stores it to all outputs.
// Mapped memory.
//
//   The vector is cut into p chunks. When everybody has told where its memory is, rank r reads
//   chunk r of every input, in rank order, and writes the sum to chunk r of every output.
//
// 2 rounds without data; each rank reads n bytes and stores n: nothing is moved twice. Best from
// some KiB upwards. The sums are taken once, so they are the same everywhere.
//
// Chunk r is read and written by rank r alone, so input and output may be the same memory. A rank
// completes when everybody has stored to its output and read its input: one word of each (rule 3).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::all_reduce::two_shot {

namespace {
constexpr Word kArrive = 0;
constexpr Word kStored = 1;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_reduce, group, group.size);
  const std::uint32_t mine = b.me();
  arrive_all(b, kArrive);
  b.reduce(of_all(b, b.output(mine), [&](std::uint32_t peer) { return b.output_of(peer, mine); }),
           of_all(b, b.input(mine), [&](std::uint32_t peer) { return b.input_of(peer, mine); }),
           Finalise::yes);
  meet(b, kStored);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const std::uint32_t others = ranks - 1;
  const std::uint32_t two = ranks > 1 ? 2 : 0;
  return {.rounds = two,
          .reduced_chunks = others,
          .chunks = ranks,
          .messages = two,
          .loaded_chunks = others,
          .stored_chunks = others};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::all_reduce::two_shot
