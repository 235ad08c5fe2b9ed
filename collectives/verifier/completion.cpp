#include "collectives/verifier/completion.hpp"

#include <fmt/format.h>

#include "collectives/describe.hpp"

namespace rlx::collectives::verifier {

namespace {

class Completion {
 public:
  Completion(const FinishedRun& run, Findings& findings)
      : run_(run),
        findings_(findings),
        collective_(run.schedules[0].collective),
        ranks_(static_cast<std::uint32_t>(run.schedules.size())) {}

  void check() {
    const std::vector<Clock> clocks = completion_clocks(run_.sync, ranks_, run_.lanes);
    make_expectations();
    for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
      for (const Space space : {Space::input, Space::output})
        check_users(rank, space, clocks[rank]);
      for (const Space space : {Space::scratch, Space::line}) check_used(rank, space);
      if (collective_ != Collective::barrier) check_outputs(rank);
    }
    if (collective_ == Collective::all_reduce) check_order();
  }

 private:
  void add(Fault fault, std::uint32_t rank, const Ref& ref, const std::string& why) {
    findings_.add(fault, fmt::format("{} of rank {}: {}", describe(ref), rank, why));
  }

  void make_expectations() {
    if (collective_ == Collective::barrier) return;
    for (std::uint32_t chunk = 0; chunk < run_.schedules[0].chunks; ++chunk)
      expected_.push_back(collective_ == Collective::all_gather ? contribution(ranks_, chunk, chunk)
                                                                : total(ranks_, chunk));
  }

  // A rank's own puts are over when it has completed: their sources are drained.
  bool drained(const Access& access, std::uint32_t rank) const {
    return access.message != kNoMessage && run_.sync.rank_of(access.component) == rank;
  }

  void check_users(std::uint32_t rank, Space space, const Clock& clock) {
    for (std::uint32_t i = 0; i < run_.memory.count(space); ++i) {
      const Ref ref{space, i};
      const Chunk& chunk = run_.memory.at(rank, ref);
      if (!run_.sync.over(chunk.write, clock)) outlives(rank, ref, chunk.write, "write");
      for (const Access& reader : chunk.reads)
        if (!drained(reader, rank) && !run_.sync.over(reader, clock))
          outlives(rank, ref, reader, "read");
    }
  }

  void outlives(std::uint32_t rank, const Ref& ref, const Access& access, std::string_view verb) {
    add(Fault::completion, rank, ref,
        fmt::format(
            "rank {} may still {} it after its owner has completed: no EXIT or other awaited "
            "signal follows",
            run_.sync.rank_of(access.component), verb));
  }

  void check_used(std::uint32_t rank, Space space) {
    for (std::uint32_t i = 0; i < run_.memory.count(space); ++i) {
      const Chunk& chunk = run_.memory.at(rank, {space, i});
      if (chunk.write.component != kNoComponent && chunk.reads.empty())
        add(Fault::dead_write, rank, {space, i},
            fmt::format("written by rank {} and never used",
                        run_.sync.rank_of(chunk.write.component)));
    }
  }

  void check_outputs(std::uint32_t rank) {
    const bool reduces = collective_ != Collective::all_gather;
    for (std::uint32_t i = 0; i < run_.memory.count(Space::output); ++i) {
      const Ref ref{Space::output, i};
      const Value& value = run_.memory.at(rank, ref).value;
      const std::uint32_t chunk = collective_ == Collective::reduce_scatter ? rank : i;
      if (!same_data(value, expected_[chunk]))
        add(Fault::contribution, rank, ref,
            fmt::format("it holds {}, not {}", describe(ranks_, value),
                        describe(ranks_, expected_[chunk])));
      if (reduces && !value.finalised)
        add(Fault::finalise, rank, ref, "its value was never finalised");
    }
  }

  void check_order() {
    for (std::uint32_t i = 0; i < run_.memory.count(Space::output); ++i) {
      const Ref ref{Space::output, i};
      const std::uint64_t tree = run_.memory.at(0, ref).value.tree;
      for (std::uint32_t rank = 1; rank < ranks_; ++rank)
        if (run_.memory.at(rank, ref).value.tree != tree)
          add(Fault::order, rank, ref, "summed in another order than on rank 0");
    }
  }

  const FinishedRun& run_;
  Findings& findings_;
  Collective collective_;
  std::uint32_t ranks_;
  std::vector<Value> expected_;  // by chunk
};

}  // namespace

void check_completion(const FinishedRun& run, Findings& findings) {
  Completion(run, findings).check();
}

std::vector<Clock> completion_clocks(const Sync& sync, std::uint32_t ranks, std::uint32_t lanes) {
  std::vector<Clock> clocks;
  clocks.reserve(ranks);
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    Clock clock = sync.clock(rank * lanes);
    for (std::uint32_t lane = 1; lane < lanes; ++lane) join(clock, sync.clock(rank * lanes + lane));
    clocks.push_back(std::move(clock));
  }
  return clocks;
}

std::string missing_dependence(const EpochFacts& facts) {
  for (std::uint32_t rank = 0; rank < facts.ranks; ++rank)
    for (Component c = 0; c < facts.components(); ++c)
      if (facts.completion[rank][c] == 0)
        return fmt::format("rank {} may complete before rank {} has started", rank,
                           c / facts.lanes);
  return "every rank waits for every other";
}

}  // namespace rlx::collectives::verifier
