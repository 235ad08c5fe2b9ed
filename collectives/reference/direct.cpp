// Direct all_reduce, all_gather and reduce_scatter over load/store reach.
//
//   Every rank sends its ARRIVE to all, waits for all, reads the inputs in rank order, sends its
//   EXIT to all, and completes when it has everybody's.
//
// Rounds and bytes: 2 rounds of signals, p - 1 each; nothing is put, each rank reads p blocks. Best
// for short vectors on one node. The sums are taken in rank order: the same on every rank.
//
// No barrier, but ARRIVE before a peer's input is read and EXIT after (rule 3): without EXIT the
// application could overwrite its input while a slow peer still reads it. Sums are taken in
// scratch, because in place the output may be what peers read, and copied out after their EXITs.
// The one scratch chunk is this rank's own; words are free again since everybody was awaited
// (all-dependent, rule 5).

#include "collectives/reference/direct.hpp"

#include <algorithm>
#include <vector>

#include "collectives/builder.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::reference {

namespace {

class Direct {
 public:
  explicit Direct(Builder& b) : b_(b) {}

  void arrive() {
    for (std::uint32_t d = 1; d < b_.size(); ++d) b_.arrive(b_.plus(d), from_before(d));
    for (std::uint32_t d = 1; d < b_.size(); ++d) b_.wait_arrival(from_before(d), b_.minus(d));
  }

  void exit() {
    for (std::uint32_t d = 1; d < b_.size(); ++d) b_.signal(b_.plus(d), from_before(d));
    for (std::uint32_t d = 1; d < b_.size(); ++d) b_.wait(from_before(d), b_.minus(d));
  }

  void gather() {
    for (std::uint32_t rank = 0; rank < b_.size(); ++rank)
      b_.copy(b_.output(rank), input_of(rank, 0));
  }

  // Sums chunk `chunk` of all inputs, as many as a step takes at a time.
  void sum(Ref into, std::uint32_t chunk) {
    std::vector<Ref> sources;
    for (std::uint32_t rank = 0; rank < b_.size(); ++rank) {
      sources.push_back(input_of(rank, chunk));
      const bool last = rank + 1 == b_.size();
      if (!last && sources.size() < kMaxSources) continue;
      b_.reduce(into, sources, last ? Finalise::yes : Finalise::no);
      sources = {into};
    }
  }

 private:
  Ref input_of(std::uint32_t rank, std::uint32_t chunk) const {
    return rank == b_.me() ? b_.input(chunk) : b_.input_of(rank, chunk);
  }
  // A rank's word d - 1 is written by the rank d before it.
  static Word from_before(std::uint32_t d) { return static_cast<Word>(d - 1); }

  Builder& b_;
};

}  // namespace

Schedule direct(Collective collective, const Group& group) {
  const bool reduces_all = collective == Collective::all_reduce;
  Builder b(collective, group, reduces_all ? 1 : group.size, 1);
  Direct direct(b);
  direct.arrive();
  if (collective == Collective::all_gather) direct.gather();
  // Not into the output: in place, a peer may still read what the output would overwrite.
  if (collective != Collective::all_gather) direct.sum(b.scratch(0), reduces_all ? 0 : group.me);
  direct.exit();
  if (collective != Collective::all_gather) b.copy(b.output(0), b.scratch(0));
  return b.finish();
}

bool direct_supports(std::uint32_t ranks) { return ranks - 1 <= kLinesPerGroup; }

}  // namespace rlx::collectives::reference
