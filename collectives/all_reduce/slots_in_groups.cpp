// Through slots, in two levels: short vectors of many ranks over mapped memory.
//
//   Groups are about the square root of p neighbouring ranks. Every rank copies its vector to its
//   scratch and publishes that it is there, adds up the scratch of its group into a second slot and
//   publishes that, and adds up the sums of all groups, each read from one member.
//
// 2 rounds; each rank reads about 2 sqrt(p) vectors instead of p, and what it writes is read by as
// many: a line that all others read goes to one after the other, which is what many ranks wait for.
// All members of a group sum in rank order and all ranks sum the groups in order, so results are
// the same everywhere. Any memory: nothing of the user's is touched by a peer.
//
// Each slot is written once. A rank awaits its group and one member of each other group, which has
// awaited that group: all ranks, so scratch and words may be used again (rule 5).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/load_store.hpp"

namespace rlx::collectives::all_reduce::slots_in_groups {

namespace {
constexpr Word kReady = 0;
constexpr Word kGroup = 1;
}  // namespace

Schedule generate(const Group& group) {
  Builder b(Collective::all_reduce, group, 1, 2);
  const Groups groups(b.size());
  const std::uint32_t mine = groups.of(b.me());
  if (groups.has_mates(b.me())) {
    b.copy(b.scratch(0), b.input(0));
    b.publish(kReady);
  }
  std::vector<Ref> vectors;
  for (std::uint32_t rank = groups.begin(mine); rank < groups.end(mine); ++rank)
    vectors.push_back(rank == b.me() ? b.input(0) : b.scratch_of(rank, 0));
  groups.for_each_mate(b.me(), [&](std::uint32_t mate) { b.await_published(kReady, mate); });
  b.reduce(b.scratch(1), vectors);
  if (groups.is_counterpart(b.me())) b.publish(kGroup);
  std::vector<Ref> sums;
  for (std::uint32_t one = 0; one < groups.count(); ++one)
    sums.push_back(one == mine ? b.scratch(1) : b.scratch_of(groups.counterpart(b.me(), one), 1));
  groups.for_each_other(mine, [&](std::uint32_t other) {
    b.await_published(kGroup, groups.counterpart(b.me(), other));
  });
  b.reduce(b.output(0), sums, Finalise::yes);
  return b.finish();
}

Cost cost(std::uint32_t ranks) {
  const Groups groups(ranks);
  const std::uint32_t read = groups.size() - 1 + groups.count() - 1;
  const std::uint32_t levels = (groups.size() > 1) + (groups.count() > 1);
  return {.rounds = levels,
          .reduced_chunks = read,
          .chunks = 1,
          .messages = levels,
          .copied_chunks = ranks > 1,
          .scratch_chunks = 2,
          .loaded_chunks = read};
}

bool supports(std::uint32_t ranks) { return ranks <= kMaxMapped; }

}  // namespace rlx::collectives::all_reduce::slots_in_groups
