// One rank of each node speaks for it.
//
//   Every rank publishes that it has come, the first rank of each node awaits its mates, the first
//   ranks run a dissemination barrier among themselves, and each publishes that it is over.
//
// ceil(log2 N) rounds of one signal between nodes and 2 within nodes (Luo et al., "HAN: a
// hierarchical autotuned collective communication framework", CLUSTER 2020).
//
// The words belong to the epoch's set, used again when everybody is done with it (rule 5).

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/mates.hpp"
#include "collectives/splice.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::barrier {

namespace dissemination {
Schedule generate(const Group&);
Cost cost(std::uint32_t);
}  // namespace dissemination

namespace leaders {

namespace {

constexpr Word kHere = 0;
constexpr Word kOver = 1;
constexpr Word kNetwork = 2;  // and on: the leaders'

void lead(Builder& b, const Nodes& nodes, const Mates& mates) {
  mates.for_each([&](std::uint32_t mate) { b.await_published(kHere, mate); });
  Part part;
  part.schedule = dissemination::generate({nodes.count(), mates.node()});
  for (std::uint32_t node = 0; node < nodes.count(); ++node)
    part.members.push_back({nodes.leader(node), kNetwork, 0});
  splice(b, {&part, 1});
  if (mates.any()) b.publish(kOver);
}

}  // namespace

Schedule generate(const Group& group) {
  const Mates mates(*group.nodes, group.me);
  Builder b(Collective::barrier, group, group.size);
  if (mates.lead()) {
    lead(b, *group.nodes, mates);
    return b.finish();
  }
  b.publish(kHere);
  b.await_published(kOver, mates.leader());
  return b.finish();
}

Cost cost(const Group& group) {
  const Cost across = dissemination::cost(group.nodes->count());
  return {.rounds = across.rounds,
          .chunks = group.size,
          .messages = across.messages,
          .node_rounds = 2,
          .node_messages = 1};
}

bool supports(const Group& group) { return group.nodes != nullptr && group.nodes->mixed(); }

}  // namespace leaders
}  // namespace rlx::collectives::barrier
