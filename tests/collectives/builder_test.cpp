#include "collectives/builder.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "collectives/describe.hpp"
#include "rlx/error.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives {
namespace {

Builder all_reduce_of(std::uint32_t ranks, std::uint32_t chunks = 4, std::uint32_t scratch = 4) {
  return {Collective::all_reduce, {ranks, 0}, chunks, scratch};
}

// Runs `f`, which must be refused with a text that holds `why`.
template <class F>
void expect_refused(F f, std::string_view why) {
  try {
    f();
    ADD_FAILURE() << "accepted, but should be refused because: " << why;
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Internal);
    EXPECT_NE(std::string_view(error.what()).find(why), std::string_view::npos) << error.what();
  }
}

TEST(Builder, numbers_parts_for_each_word_of_each_peer_apart) {
  Builder b = all_reduce_of(3);
  b.signal(1, 0);
  b.signal(1, 0);
  b.signal(2, 0);
  b.signal(1, 5);
  b.wait(0, 2);
  b.wait(0, 2);
  const Schedule schedule = b.finish();
  std::vector<int> parts;
  for (const Step& step : schedule.steps) parts.push_back(step.part);
  EXPECT_EQ(parts, (std::vector<int>{1, 2, 1, 1, 1, 2}));
  EXPECT_EQ(schedule.words, 6);
}

TEST(Builder, keeps_destinations_before_sources) {
  Builder b = all_reduce_of(2);
  b.reduce({b.output(1), b.scratch(2)}, {b.scratch(0), b.input(1)}, Finalise::yes);
  const Schedule schedule = b.finish();
  const Step& step = schedule.steps[0];
  EXPECT_TRUE(step.finalise);
  EXPECT_EQ(schedule.destinations(step)[1], Builder::scratch(2));
  EXPECT_EQ(schedule.sources(step)[1], Builder::input(1));
  EXPECT_EQ(describe(schedule, step),
            "reduce scratch 0 + input 1 to output 1, scratch 2, finalised");
}

TEST(Builder, refuses_the_65th_word) {
  Builder b = all_reduce_of(2);
  b.signal(1, 63);
  expect_refused([&] { b.signal(1, 64); }, "word 64");
  expect_refused([&] { b.wait(64, 1); }, "word 64");
}

TEST(Builder, refuses_the_4096th_part) {
  Builder b = all_reduce_of(2);
  for (std::uint32_t part = 1; part <= kMaxPart; ++part) {
    b.signal(1, 0);
    b.wait(0, 1);
  }
  expect_refused([&] { b.signal(1, 0); }, "no part after 4095");
  expect_refused([&] { b.wait(0, 1); }, "no part after 4095");
}

TEST(Builder, refuses_chunks_that_do_not_exist) {
  Builder b = all_reduce_of(2);
  expect_refused([&] { b.copy(b.output(4), b.input(0)); }, "of a space that has 4");
  expect_refused([&] { b.copy(b.scratch(3, 2), b.scratch(0, 2)); }, "of a space that has 4");
  Builder gather(Collective::all_gather, {3, 0}, 3);
  expect_refused([&] { gather.copy(gather.output(0), gather.input(1)); }, "of a space that has 1");
}

TEST(Builder, refuses_ranges_of_input_and_output) {
  Builder b = all_reduce_of(2);
  expect_refused([&] { b.copy({Space::output, 0, 2}, b.scratch(0, 2)); }, "outside scratch");
}

TEST(Builder, refuses_operands_of_different_counts) {
  Builder b = all_reduce_of(2);
  expect_refused([&] { b.put(1, b.scratch(0, 2), b.scratch(0), 0); }, "a put of 1 chunks into 2");
  expect_refused([&] { b.copy(b.scratch(0, 2), b.scratch(2)); }, "different counts");
}

TEST(Builder, refuses_no_source_and_more_than_255) {
  Builder b = all_reduce_of(2);
  expect_refused([&] { b.reduce({b.output(0)}, {}); }, "0 sources");
  const std::vector<Ref> many(256, b.input(0));
  expect_refused([&] { b.reduce(b.output(0), many); }, "256 sources");
}

TEST(Builder, refuses_messages_to_itself_and_to_nobody) {
  Builder b = all_reduce_of(2);
  expect_refused([&] { b.signal(0, 0); }, "to itself");
  expect_refused([&] { b.put(2, b.scratch(0), b.input(0), 0); }, "no rank 2");
}

TEST(Builder, names_the_word_of_an_arrival_in_puts_to_user_memory) {
  Builder b = all_reduce_of(3);
  expect_refused([&] { b.put(1, b.output(0), b.input(0), 0); }, "before its ARRIVE was awaited");
  b.wait_arrival(7, 1);
  b.put(1, b.output(0), b.input(0), 0);
  expect_refused([&] { b.put(2, b.output(0), b.input(0), 0); }, "before its ARRIVE was awaited");
  expect_refused([&] { b.copy(b.output(0), b.input_of(2, 0)); }, "before its ARRIVE was awaited");
  EXPECT_EQ(b.finish().steps[1].arrive, 7);
}

TEST(Builder, refuses_a_word_fed_by_two_lanes) {
  Builder b = all_reduce_of(2);
  b.signal(1, 0);
  b.lane(1);
  expect_refused([&] { b.signal(1, 0); }, "lanes 0 and 1");
  EXPECT_EQ(b.finish().lanes, 2);
}

TEST(Builder, refuses_a_rank_outside_the_group_and_chunks_that_are_not_ranks) {
  expect_refused([] { Builder(Collective::all_reduce, {2, 2}, 1); }, "not a member");
  expect_refused([] { Builder(Collective::all_gather, {3, 0}, 2); }, "one per rank");
}

}  // namespace
}  // namespace rlx::collectives
