// Rule 5's guard at run time: a schedule whose root does not wait for the others, with one slow
// rank.

#include <algorithm>
#include <chrono>
#include <thread>

#include "lib/communicator/communicator_state.hpp"
#include "support.hpp"

namespace rlx::test {
namespace {

using collectives::Ref;
using collectives::Schedule;
using collectives::Space;
using collectives::Step;
using collectives::StepKind;

/// Rank 0's vector into everybody's scratch, from there into the output. The root waits for nobody,
/// so its completion says nothing about the others.
Schedule rooted_broadcast(std::uint32_t ranks, std::uint32_t me) {
  Schedule schedule;
  schedule.collective = collectives::Collective::all_reduce;
  schedule.ranks = ranks;
  schedule.rank = me;
  schedule.scratch_chunks = 1;
  schedule.words = 1;
  schedule.all_dependent = false;
  const auto add = [&](StepKind kind, std::uint32_t peer, Ref destination, Ref source) {
    Step step;
    step.kind = kind;
    step.peer = peer;
    step.part = 1;
    if (kind != StepKind::wait) {
      step.destinations = step.sources = 1;
      step.operands = static_cast<std::uint32_t>(schedule.operands.size());
      schedule.operands.push_back(destination);
      schedule.operands.push_back(source);
    }
    schedule.steps.push_back(step);
  };
  if (me == 0) {
    for (std::uint32_t peer = 1; peer < ranks; ++peer)
      add(StepKind::put, peer, {Space::scratch, 0, 1}, {Space::input, 0, 1});
    add(StepKind::copy, 0, {Space::output, 0, 1}, {Space::input, 0, 1});
  } else {
    add(StepKind::wait, 0, {}, {});
    add(StepKind::copy, 0, {Space::output, 0, 1}, {Space::scratch, 0, 1});
  }
  return schedule;
}

void broadcast(Communicator& comm, std::vector<int>& x) {
  detail::CommunicatorState& state = comm.state();
  detail::CallArguments arguments{
      detail::Operation::all_reduce, DType::i32, ReduceKind::Max, true, {}, {}};
  arguments.out = {reinterpret_cast<std::byte*>(x.data()), x.size(), false, 0};
  auto prepared = state.plans().prepare(
      arguments, rooted_broadcast(static_cast<std::uint32_t>(comm.size()), comm.rank().value()));
  state.complete(*state.submit(arguments, prepared, detail::CallPurpose::user, false));
}

TEST(RootedSchedule, the_guard_keeps_the_root_from_overrunning_a_slow_rank) {
  launch_threads(3, options_with("", 64 << 10, 2), [](Communicator& comm) {
    for (int round = 0; round < 40; ++round) {
      std::vector<int> x(2000, comm.rank() == Rank(0) ? round : -1);
      // The slow rank: without the guard the root would have written D epochs ahead by now.
      if (comm.rank() == Rank(2) && round % 10 == 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      broadcast(comm, x);
      ASSERT_EQ(x, std::vector<int>(2000, round)) << "round " << round;
    }
  });
}

TEST(RootedSchedule, guards_are_epochs_of_the_call_that_needs_them) {
  launch_threads(2, options_with("", 64 << 10, 2), [](Communicator& comm) {
    std::vector<int> x(10, 1);
    all_reduce(comm, x, ReduceKind::Sum);
    const std::uint64_t before = comm.state().engine().started();
    broadcast(comm, x);
    // D = 2 W leaves no room for a single rooted epoch: each has its guard.
    EXPECT_EQ(comm.state().engine().started() - before, 2u);
    all_reduce(comm, x, ReduceKind::Sum);
  });
}

}  // namespace
}  // namespace rlx::test
