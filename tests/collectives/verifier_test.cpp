#include "collectives/verifier/verifier.hpp"

#include <gtest/gtest.h>

#include "tests/collectives/toy_schedules.hpp"

namespace rlx::collectives::verifier {
namespace {

// The first finding, which must be of this kind and hold this text.
void expect_finding(const Family& family, Fault fault, std::string_view text) {
  const Findings findings = check_family(family).findings;
  ASSERT_FALSE(findings.empty()) << "nothing found; expected " << to_string(fault) << ": " << text;
  bool found = false;
  std::string all;
  for (const Finding& finding : findings.kept()) {
    found = found || (finding.fault == fault && finding.text.find(text) != std::string::npos);
    all += std::string(to_string(finding.fault)) + ": " + finding.text + "\n";
  }
  EXPECT_TRUE(found) << "expected " << to_string(fault) << ": " << text << "\nfound\n" << all;
}

TEST(Verifier, names_rank_step_and_word_of_a_deadlock) {
  const Family family = toys::family(Collective::barrier, 3, 3, 0, [](Builder& b) {
    b.wait(0, b.left());
    b.signal(b.right(), 0);
  });
  expect_finding(family, Fault::deadlock,
                 "rank 1, wait for word 0 part 1 from rank 0: step 0 of 2");
}

TEST(Verifier, finds_a_wait_that_nobody_feeds) {
  const Family family = toys::family(Collective::barrier, 2, 2, 0, [](Builder& b) {
    if (b.me() == 0) b.wait(3, 1);
  });
  expect_finding(family, Fault::deadlock, "rank 0 waits for word 3 part 1, of which 0");
}

TEST(Verifier, finds_a_put_into_a_slot_that_is_still_read) {
  // Two puts to one slot, with a wait after each but no word back before the second.
  const Family family = toys::family(Collective::all_reduce, 2, 1, 2, [](Builder& b) {
    b.put(b.right(), b.scratch(0), b.input(0), 0);
    b.wait(0, b.left());
    b.reduce({b.scratch(1)}, {b.scratch(0), b.input(0)});
    b.put(b.right(), b.scratch(0), b.input(0), 0);
    b.wait(0, b.left());
    b.reduce({b.output(0)}, {b.scratch(0), b.scratch(1)}, Finalise::yes);
  });
  expect_finding(family, Fault::race, "no chain of waits shows that this is over");
}

TEST(Verifier, does_not_take_local_completion_for_delivery) {
  // The source of an own put is overwritten before the target has awaited it.
  const Family family = toys::family(Collective::all_gather, 2, 2, 2, [](Builder& b) {
    b.copy(b.scratch(0), b.input(0));
    b.put(b.right(), b.scratch(1), b.scratch(0), 0);
    b.copy(b.scratch(0), b.input(0));
    b.copy(b.output(b.me()), b.scratch(0));
    b.wait(0, b.left());
    b.copy(b.output(b.left()), b.scratch(1));
  });
  expect_finding(family, Fault::race, "overwrites what is in use by (rank 0, put scratch 0");
}

TEST(Verifier, finds_in_place_what_is_right_out_of_place) {
  // The output is written while, in place, it is still the source of a put.
  const Family family = toys::family(Collective::all_reduce, 2, 1, 1, [](Builder& b) {
    b.put(b.right(), b.scratch(0), b.input(0), 0);
    b.wait(0, b.left());
    const Ref rank_order[] = {b.me() == 0 ? b.input(0) : b.scratch(0),
                              b.me() == 0 ? b.scratch(0) : b.input(0)};
    b.reduce(b.output(0), rank_order, Finalise::yes);
  });
  expect_finding(family, Fault::race, "in place: rank 0, reduce input 0 + scratch 0 to output 0");
}

TEST(Verifier, finds_sums_that_are_associated_differently) {
  const Family family = toys::family(Collective::all_reduce, 2, 1, 2, [](Builder& b) {
    b.copy(b.scratch(1), b.input(0));
    b.put(b.right(), b.scratch(0), b.scratch(1), 0);
    b.wait(0, b.left());
    b.reduce({b.output(0)}, {b.scratch(0), b.scratch(1)}, Finalise::yes);
  });
  expect_finding(family, Fault::order, "output 0 of rank 1: summed in another order");
}

TEST(Verifier, finds_a_contribution_added_twice_and_one_missing) {
  const Family twice = toys::family(Collective::all_reduce, 2, 1, 1, [](Builder& b) {
    b.put(b.right(), b.scratch(0), b.input(0), 0);
    b.wait(0, b.left());
    b.reduce({b.output(0)}, {b.scratch(0), b.input(0), b.input(0)}, Finalise::yes);
  });
  expect_finding(twice, Fault::contribution, "rank 0's contribution to chunk 0 is added twice");
  const Family missing = toys::family(Collective::all_reduce, 2, 1, 0,
                                      [](Builder& b) { b.copy(b.output(0), b.input(0)); });
  expect_finding(missing, Fault::contribution,
                 "it holds chunk 0 of ranks 1, not chunk 0 of ranks 0, 1");
  expect_finding(missing, Fault::finalise, "never finalised");
}

TEST(Verifier, finds_twice_added_contributions_by_tokens_above_128_ranks) {
  const Algorithm* ring = find_algorithm(Collective::reduce_scatter, "ring");
  Family family = family_of(*ring, {150});
  ASSERT_TRUE(check_family(family).findings.empty());
  for (Step& step : family.schedules[7].steps)
    if (step.kind == StepKind::reduce && !step.finalise) {
      family.schedules[7].operands[step.operands + 2].chunk += 1;  // another block of my input
      break;
    }
  expect_finding(family, Fault::contribution, "is added to chunk");
}

TEST(Verifier, finds_writes_to_a_peers_output_without_its_arrive) {
  Family family = family_of(*find_algorithm(Collective::all_gather, "ring"), {3});
  for (Step& step : family.schedules[1].steps) step.arrive = kNoWord;
  expect_finding(family, Fault::arrive, "no word is named for the ARRIVE of rank 2");
}

TEST(Verifier, finds_readers_that_the_owner_does_not_wait_for) {
  // Reads a peer's input after its ARRIVE and never says that it has done so.
  const Family family = toys::family(Collective::all_gather, 2, 2, 0, [](Builder& b) {
    b.arrive(b.right(), 0);
    b.wait_arrival(0, b.left());
    b.copy(b.output(b.me()), b.input(0));
    b.copy(b.output(b.left()), b.input_of(b.left(), 0));
  });
  expect_finding(family, Fault::completion,
                 "input 0 of rank 0: rank 1 may still read it after its owner has completed");
}

TEST(Verifier, finds_steps_that_are_done_for_nothing) {
  const Family family = toys::family(Collective::all_gather, 1, 1, 1, [](Builder& b) {
    b.copy(b.scratch(0), b.input(0));
    b.copy(b.output(0), b.input(0));
  });
  expect_finding(family, Fault::dead_write,
                 "scratch 0 of rank 0: written by rank 0 and never used");
}

TEST(Verifier, finds_an_undeclared_dependence) {
  Family family = toys::chain(4);
  for (Schedule& schedule : family.schedules) schedule.all_dependent = true;
  expect_finding(family, Fault::dependence, "rank 0 may complete before rank 1 has started");
}

TEST(Verifier, finds_a_cost_that_is_not_the_declared_one) {
  Family family = family_of(*find_algorithm(Collective::all_reduce, "ring"), {5});
  family.declared->rounds = 7;
  expect_finding(family, Fault::cost, "8 rounds counted, 7 declared");
}

TEST(Verifier, takes_lanes_as_independent) {
  // What one lane wrote another lane of the same rank may not simply read.
  const Family family = toys::family(Collective::all_gather, 1, 1, 1, [](Builder& b) {
    b.copy(b.scratch(0), b.input(0));
    b.lane(1);
    b.copy(b.output(0), b.scratch(0));
  });
  expect_finding(family, Fault::race, "reads (rank 0, copy input 0 to scratch 0)");
}

class RootedSchedules : public testing::Test {
 protected:
  RootedSchedules()
      : chain_(check_family(toys::chain(5))),
        barrier_(
            check_family(family_of(*find_algorithm(Collective::barrier, "dissemination"), {5}))),
        ring_(check_family(family_of(*find_algorithm(Collective::all_reduce, "ring"), {5}))) {}

  EpochFacts chain_;
  EpochFacts barrier_;
  EpochFacts ring_;
};

TEST_F(RootedSchedules, are_right_alone_and_known_not_to_be_all_dependent) {
  EXPECT_TRUE(chain_.findings.empty());
  EXPECT_FALSE(chain_.all_dependent);
}

TEST_F(RootedSchedules, are_held_by_the_guard_alone_and_in_mixes) {
  const EpochFacts* others[] = {&ring_, &barrier_};
  EXPECT_TRUE(check_mixes(chain_, {}, barrier_).findings.empty());
  EXPECT_TRUE(check_mixes(chain_, others, barrier_).findings.empty());
}

TEST_F(RootedSchedules, race_without_the_guard) {
  const MixReport report = check_mixes(chain_, {}, barrier_, {.guard = MixOptions::Guard::off});
  ASSERT_FALSE(report.findings.empty());
  EXPECT_EQ(report.findings.kept()[0].fault, Fault::reuse);
}

TEST_F(RootedSchedules, race_when_the_window_is_only_counted) {
  EXPECT_FALSE(check_mixes(chain_, {}, barrier_, {.start = StartRule::counted}).findings.empty());
}

TEST_F(RootedSchedules, get_a_barrier_by_the_sequence_of_kinds_alone) {
  const WindowRule rule{2, 5, StartRule::windowed};  // D - 2W = 1
  const Sequence rooted(4, &chain_);
  const Sequence expected{&chain_, &barrier_, &chain_, &barrier_, &chain_, &barrier_, &chain_};
  EXPECT_EQ(guarded(rooted, rule, barrier_), expected);
  const Sequence mixed{&chain_, &ring_, &chain_, &ring_};
  EXPECT_EQ(guarded(mixed, rule, barrier_), mixed);
  const WindowRule deep{2, 8, StartRule::windowed};  // D - 2W = 4
  EXPECT_EQ(guarded(rooted, deep, barrier_), rooted);
  EXPECT_EQ(guarded(Sequence(5, &chain_), deep, barrier_).size(), 6u);
}

TEST(Window, needs_twice_its_size_in_sets_also_where_the_clocks_are_not_worked_out_in_full) {
  const auto facts =
      check_family(family_of(*find_algorithm(Collective::barrier, "dissemination"), {128}));
  const std::uint32_t window[] = {8};
  EXPECT_TRUE(check_mixes(facts, {}, facts, {.windows = window}).findings.empty());
  const MixReport report = check_mixes(facts, {}, facts, {.depth_missing = 1, .windows = window});
  EXPECT_FALSE(report.findings.empty());
}

TEST(Window, reports_ranks_epochs_and_region) {
  const auto facts =
      check_family(family_of(*find_algorithm(Collective::reduce_scatter, "ring"), {3}));
  const Findings findings = check_window(Sequence(4, &facts), {2, 3, StartRule::windowed});
  ASSERT_FALSE(findings.empty());
  EXPECT_NE(findings.kept()[0].text.find("in epoch 3 (reduce_scatter/ring) while epoch 0"),
            std::string::npos)
      << findings.kept()[0].text;
}

}  // namespace
}  // namespace rlx::collectives::verifier
