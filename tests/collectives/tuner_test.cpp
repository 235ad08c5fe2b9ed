#include "collectives/tuner.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "collectives/chunks.hpp"
#include "collectives/executor/binding.hpp"
#include "rlx/error.hpp"

namespace rlx::collectives {
namespace {

TunerInput input_of(Collective collective, std::uint32_t ranks, std::size_t count) {
  return {.collective = collective,
          .ranks = ranks,
          .count = count,
          .element_bytes = 4,
          .slot_bytes = 512 << 10,
          .window = 4,
          .link = {.latency_us = 2, .message_us = 0.2, .gigabytes_per_second = 10},
          .forced = {}};
}

// Every other rank on either.
Nodes two_nodes(std::uint32_t ranks) {
  std::vector<std::uint32_t> node_of;
  for (std::uint32_t rank = 0; rank < ranks; ++rank) node_of.push_back(rank % 2);
  return Nodes(node_of);
}

template <class F>
void expect_error(ErrorKind kind, std::string_view text, F f) {
  try {
    f();
    ADD_FAILURE() << "no error that says " << text;
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_NE(std::string_view(error.what()).find(text), std::string_view::npos) << error.what();
  }
}

TEST(Tuner, takes_few_rounds_for_short_vectors_and_few_bytes_for_long_ones) {
  EXPECT_EQ(choose(input_of(Collective::all_reduce, 64, 2)).algorithm->name.substr(0, 4) == "ring",
            false);
  EXPECT_EQ(choose(input_of(Collective::all_reduce, 4, 16 << 20)).algorithm->name, "ring");
  EXPECT_EQ(choose(input_of(Collective::all_gather, 16, 1)).algorithm->name, "k_port");
  EXPECT_EQ(choose(input_of(Collective::all_gather, 4, 4 << 20)).algorithm->name,
            "bidirectional_ring");
  EXPECT_EQ(choose(input_of(Collective::reduce_scatter, 70, 1)).algorithm->name, "k_port");
}

// 2 us of latency, 3 us a message: TCP on one machine.
TunerInput over_tcp(Collective collective, std::uint32_t ranks, std::size_t count) {
  TunerInput input = input_of(collective, ranks, count);
  input.link = {.latency_us = 2, .message_us = 3, .gigabytes_per_second = 4.5};
  return input;
}

TEST(Tuner, takes_one_round_of_two_ranks_over_a_network_and_the_line_for_a_few_bytes) {
  EXPECT_EQ(choose(over_tcp(Collective::all_reduce, 2, 2)).algorithm->name, "doubling_line");
  EXPECT_EQ(choose(over_tcp(Collective::all_reduce, 2, 14)).algorithm->name, "doubling_line");
  for (std::size_t count = 1; count <= 32768; count *= 2) {
    for (const TunerInput& input : {over_tcp(Collective::all_reduce, 2, count),
                                    over_tcp(Collective::all_gather, 2, count / 4),
                                    over_tcp(Collective::reduce_scatter, 2, count)}) {
      const Choice choice = choose(input);
      EXPECT_EQ(choice.algorithm->cost({2}).rounds, 1u) << choice.algorithm->name << count;
      EXPECT_EQ(choice.pieces, 1u);
    }
  }
}

TEST(Tuner, takes_more_partners_in_a_round_where_messages_cost_less_than_rounds) {
  EXPECT_EQ(choose(over_tcp(Collective::all_reduce, 64, 2)).algorithm->name, "doubling_line");
  EXPECT_EQ(choose(over_tcp(Collective::all_reduce, 64, 1000)).algorithm->name, "doubling");
  EXPECT_EQ(choose(input_of(Collective::all_reduce, 64, 2)).algorithm->name, "k_ary_line");
  EXPECT_EQ(choose(input_of(Collective::all_reduce, 64, 100)).algorithm->name, "k_ary");
  EXPECT_EQ(choose(input_of(Collective::all_reduce, 64, 10'000)).algorithm->name, "k_port");
  EXPECT_EQ(choose(over_tcp(Collective::all_gather, 64, 2)).algorithm->name, "bruck");
  EXPECT_EQ(choose(over_tcp(Collective::reduce_scatter, 64, 2)).algorithm->name, "circulant");
}

TEST(Tuner, takes_a_ring_both_ways_where_rounds_still_count) {
  EXPECT_EQ(choose(input_of(Collective::all_reduce, 8, 500'000)).algorithm->name,
            "bidirectional_ring");
  EXPECT_EQ(choose(input_of(Collective::all_gather, 8, 100'000)).algorithm->name,
            "bidirectional_ring");
  EXPECT_EQ(choose(input_of(Collective::reduce_scatter, 8, 4'000'000)).algorithm->name,
            "bidirectional_ring");
}

TEST(Tuner, leaves_what_is_made_for_networks_out_where_memory_is_mapped) {
  for (const Collective collective :
       {Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter}) {
    for (std::uint32_t ranks = 2; ranks <= 64; ++ranks) {
      for (std::size_t count = 1; count <= 1 << 20; count *= 4) {
        TunerInput input = input_of(collective, ranks, count);
        input.link = {.latency_us = 0.15, .message_us = 0.02, .gigabytes_per_second = 10};
        input.load_store = true;
        EXPECT_FALSE(choose(input).algorithm->needs.network) << ranks << " " << count;
      }
    }
  }
}

TEST(Tuner, takes_the_forced_algorithm) {
  for (const Algorithm& algorithm : algorithms()) {
    TunerInput input = input_of(algorithm.collective, 5, 1000);
    const Nodes nodes = two_nodes(5);
    if (algorithm.needs.reach == Reach::nodes) input.nodes = &nodes;
    input.forced = algorithm.name;
    input.load_store = algorithm.needs.reach == Reach::load_store;
    EXPECT_EQ(choose(input).algorithm, &algorithm);
  }
}

TEST(Tuner, refuses_an_unknown_name_and_says_what_there_is) {
  TunerInput input = input_of(Collective::all_reduce, 4, 1);
  input.forced = "rign";
  expect_error(ErrorKind::InvalidArgument, "\"rign\" for all_reduce; there are: ring circulant",
               [&] { static_cast<void>(choose(input)); });
}

TEST(Tuner, refuses_more_ranks_than_the_forced_algorithm_supports) {
  TunerInput input = input_of(Collective::all_reduce, 5000, 1);
  input.forced = "ring";
  expect_error(ErrorKind::Unsupported, "does not support 5000 ranks",
               [&] { static_cast<void>(choose(input)); });
  input.forced = {};
  EXPECT_NE(choose(input).algorithm->name, "ring");
}

TEST(Tuner, refuses_slots_that_hold_no_line_of_each_chunk) {
  TunerInput input = input_of(Collective::reduce_scatter, 70, 100);
  input.slot_bytes = 1024;
  expect_error(ErrorKind::Unsupported, "RLX_SLOT", [&] { static_cast<void>(choose(input)); });
  input.forced = "ring";
  expect_error(ErrorKind::Unsupported, "69 scratch chunks",
               [&] { static_cast<void>(choose(input)); });
}

RC_GTEST_PROP(Tuner, cuts_pieces_that_fit_a_slot_and_cover_the_message, ()) {
  const auto all = algorithms();
  const Algorithm& algorithm = all[*rc::gen::inRange<std::size_t>(0, all.size())];
  TunerInput input = input_of(algorithm.collective, *rc::gen::inRange<std::uint32_t>(1, 64),
                              *rc::gen::inRange<std::size_t>(0, 10'000'000));
  input.element_bytes = std::size_t{1} << *rc::gen::inRange(0, 5);
  input.slot_bytes = std::size_t{64} << *rc::gen::inRange(9, 16);
  input.window = *rc::gen::inRange<std::uint32_t>(1, 17);
  input.forced = algorithm.name;
  input.load_store = true;
  const Nodes nodes = two_nodes(input.ranks);
  if (algorithm.needs.reach == Reach::nodes) {
    RC_PRE(input.ranks > 2);
    input.nodes = &nodes;
  }
  input.in_place = *rc::gen::arbitrary<bool>();
  input.stages_input = *rc::gen::arbitrary<bool>();
  input.private_input = *rc::gen::arbitrary<bool>();
  input.private_output = *rc::gen::arbitrary<bool>();
  const Choice choice = choose(input);
  RC_ASSERT(choice.piece_count >= 1);
  RC_ASSERT(choice.pieces >= 1u);
  RC_ASSERT(choice.piece_count * choice.pieces >= input.count);
  RC_ASSERT(input.count == 0 || choice.piece_count * (choice.pieces - 1) < input.count);
  const Cost cost = algorithm.cost(group_of(input));
  const std::uint32_t chunks = algorithm.collective == Collective::all_reduce ? cost.chunks : 1;
  RC_ASSERT(chunk_capacity(choice.piece_count, chunks, input.element_bytes) * input.element_bytes *
                cost.scratch_chunks <=
            input.slot_bytes);
  RC_ASSERT(choice.stages_output ==
            (input.private_output && has(algorithm.needs.exposes, Exposure::output)));
  const std::size_t blocks = algorithm.collective == Collective::all_reduce ? 1 : input.ranks;
  const bool staged = choice.stages_input || choice.stages_output;
  RC_ASSERT(!staged || choice.piece_count == 1 ||
            choice.piece_count * blocks * input.element_bytes <= input.slot_bytes);
}

// What a schedule names of its peers' memory, or puts into.
Exposure named(const Schedule& schedule) {
  Exposure exposed = Exposure::nothing;
  const auto add = [&](const Ref& ref, Exposure one) {
    const bool users = ref.space == Space::input || ref.space == Space::output;
    if (users && !has(exposed, one))
      exposed = static_cast<Exposure>(static_cast<int>(exposed) | static_cast<int>(one));
  };
  for (const Step& step : schedule.steps)
    for (const auto& refs : {schedule.destinations(step), schedule.sources(step)})
      for (const Ref& ref : refs) {
        const bool peers = ref.peer != kMe || (step.kind == StepKind::put && &ref == &refs[0] &&
                                               refs.data() == schedule.destinations(step).data());
        if (peers) add(ref, ref.space == Space::input ? Exposure::input : Exposure::output);
      }
  return exposed;
}

TEST(Tuner, knows_which_algorithms_expose_the_users_memory) {
  for (const Algorithm& algorithm : algorithms())
    for (const std::uint32_t ranks : {2u, 5u, 8u}) {
      const bool of_nodes = algorithm.needs.reach == Reach::nodes;
      if (of_nodes && ranks == 2) continue;
      const Nodes nodes = two_nodes(ranks);
      const Schedule schedule = algorithm.generate({ranks, 1, of_nodes ? &nodes : nullptr});
      EXPECT_EQ(named(schedule), algorithm.needs.exposes)
          << to_string(algorithm.collective) << ' ' << algorithm.name;
      EXPECT_EQ(exposes_memory(schedule), algorithm.needs.exposes != Exposure::nothing);
    }
}

TEST(Tuner, takes_load_store_algorithms_only_where_memory_is_mapped) {
  TunerInput input = input_of(Collective::all_reduce, 4, 8);
  EXPECT_EQ(choose(input).algorithm->needs.reach, Reach::messages);
  input.load_store = true;
  EXPECT_EQ(choose(input).algorithm->needs.reach, Reach::load_store);
  input.load_store = false;
  input.forced = "two_shot";
  expect_error(ErrorKind::Unsupported, "does not map", [&] { static_cast<void>(choose(input)); });
}

TEST(Tuner, copies_an_input_aside_where_the_algorithm_wants_it_apart) {
  TunerInput input = input_of(Collective::all_reduce, 4, 1000);
  input.load_store = true;
  input.forced = "one_shot";
  EXPECT_FALSE(choose(input).stages_input);
  input.in_place = true;
  EXPECT_TRUE(choose(input).stages_input);
}

TEST(Tuner, cuts_what_does_not_fit_a_line_into_lines) {
  TunerInput input = input_of(Collective::all_reduce, 4, 1000);
  input.load_store = true;
  input.forced = "lines";
  EXPECT_LE(choose(input).piece_count, 280u);
  EXPECT_EQ(choose(input).pieces, 4u);
}

TEST(Tuner, cuts_nothing_without_scratch_or_staging) {
  TunerInput input = input_of(Collective::all_gather, 2, 4 << 20);
  input.link.message_us = 1000;
  input.forced = "ring";
  EXPECT_EQ(choose(input).pieces, 1u);
  input.private_output = true;
  EXPECT_EQ(choose(input).pieces, 64u);
}

TEST(Tuner, cuts_less_where_messages_cost_more) {
  TunerInput input = input_of(Collective::all_reduce, 64, 64 << 10);
  input.forced = "double_binary_tree";
  const std::uint32_t pieces = choose(input).pieces;
  EXPECT_GT(pieces, 1u);
  input.link.message_us = 1000;
  EXPECT_LT(choose(input).pieces, pieces);
}

TEST(Tuner, predicts_more_time_for_more_bytes_and_more_latency) {
  const double little = choose(input_of(Collective::all_reduce, 8, 1000)).predicted_us;
  const double much = choose(input_of(Collective::all_reduce, 8, 10'000'000)).predicted_us;
  TunerInput slow = input_of(Collective::all_reduce, 8, 1000);
  slow.link.latency_us = 50;
  EXPECT_GT(much, little);
  EXPECT_GT(choose(slow).predicted_us, little);
}

TuningTable table_of(TuningEntry entry) {
  TuningTable table;
  table.put(std::move(entry));
  return table;
}

TEST(Tuner, takes_what_was_measured_and_says_so) {
  TunerInput input = input_of(Collective::all_reduce, 4, 16 << 20);
  input.topology = "ofi:tcp";
  ASSERT_NE(choose(input).algorithm->name, "circulant");
  const TuningTable table = table_of({.key = tuning_key(input),
                                      .crossovers = {{kNoLimit, "circulant", 100'000}},
                                      .stream_from = 4096});
  input.tuning = &table;
  const Choice choice = choose(input);
  EXPECT_EQ(choice.algorithm->name, "circulant");
  EXPECT_EQ(choice.rule, Rule::table);
  EXPECT_NE(choice.why.find("circulant up to any length"), std::string::npos) << choice.why;
  EXPECT_EQ(choice.stream_from, 4096U);
  EXPECT_NEAR(static_cast<double>(choice.piece_count * 4), 100'000, 1000);
}

TEST(Tuner, takes_a_forced_algorithm_before_what_was_measured) {
  TunerInput input = input_of(Collective::all_reduce, 4, 100);
  const TuningTable table =
      table_of({.key = tuning_key(input), .crossovers = {{kNoLimit, "circulant", 0}}});
  input.tuning = &table;
  input.forced = "ring";
  EXPECT_EQ(choose(input).algorithm->name, "ring");
  EXPECT_EQ(choose(input).rule, Rule::forced);
}

TEST(Tuner, falls_back_to_the_cost_model_where_the_measured_one_can_not_run) {
  TunerInput input = input_of(Collective::all_reduce, 4, 100);
  const std::string_view model = choose(input).algorithm->name;
  const TuningTable mapped =
      table_of({.key = tuning_key(input), .crossovers = {{kNoLimit, "two_shot", 0}}});
  input.tuning = &mapped;
  EXPECT_EQ(choose(input).algorithm->name, model);
  EXPECT_EQ(choose(input).rule, Rule::cost_model);
  EXPECT_NE(choose(input).why.find("does not map"), std::string::npos) << choose(input).why;

  const TuningTable slots =
      table_of({.key = tuning_key(input), .crossovers = {{kNoLimit, "exchange", 0}}});
  input.tuning = &slots;
  input.slot_bytes = 192;
  EXPECT_NE(choose(input).algorithm->name, "exchange");
  EXPECT_NE(choose(input).why.find("raise RLX_SLOT"), std::string::npos) << choose(input).why;
}

TEST(Tuner, looks_a_barrier_up_under_one_key_whatever_its_memory) {
  TunerInput input = input_of(Collective::barrier, 4, 0);
  input.private_input = input.private_output = input.in_place = true;
  EXPECT_EQ(tuning_key(input), (TuningKey{.collective = Collective::barrier, .ranks = 4}));
}

TEST(Tuner, lists_what_the_others_would_cost_and_why_some_can_not_run) {
  const TunerInput input = input_of(Collective::all_reduce, 4, 100);
  const auto all = alternatives(input);
  const Choice choice = choose(input);
  std::size_t blocked = 0;
  for (const Alternative& one : all) {
    blocked += one.obstacle.empty() ? 0 : 1;
    const bool mapped = one.algorithm->needs.reach == Reach::load_store;
    const bool of_nodes = one.algorithm->needs.reach == Reach::nodes;
    EXPECT_EQ(one.obstacle.find("does not map") != std::string::npos, mapped) << one.obstacle;
    EXPECT_EQ(one.obstacle.find("for several nodes") != std::string::npos, of_nodes);
    if (one.obstacle.empty()) {
      EXPECT_GE(one.choice.predicted_us, choice.predicted_us);
    }
  }
  EXPECT_EQ(all.size(), 21U);
  EXPECT_EQ(blocked, 10U);
}

RC_GTEST_PROP(Tuner, cuts_pieces_of_the_bytes_that_were_measured_as_far_as_they_fit, ()) {
  const auto all = algorithms();
  const Algorithm& algorithm = all[*rc::gen::inRange<std::size_t>(0, all.size())];
  TunerInput input = input_of(algorithm.collective, *rc::gen::inRange<std::uint32_t>(1, 20),
                              *rc::gen::inRange<std::size_t>(1, 3'000'000));
  input.forced = algorithm.name;
  input.load_store = true;
  const Nodes nodes = two_nodes(input.ranks);
  if (algorithm.needs.reach == Reach::nodes) {
    RC_PRE(input.ranks > 2);
    input.nodes = &nodes;
  }
  input.forced_piece_bytes = *rc::gen::inRange<std::size_t>(1, 1 << 22);
  const Choice choice = choose(input);
  RC_ASSERT(choice.piece_count >= 1);
  RC_ASSERT(choice.piece_count <= std::max<std::size_t>(largest_piece(algorithm, input), 1));
  RC_ASSERT(choice.piece_count * choice.pieces >= input.count);
  RC_ASSERT(choice.piece_count * (choice.pieces - 1) < input.count);
}

TEST(ForcedAlgorithm, is_read_for_one_collective_or_for_those_that_have_it) {
  const std::string_view config = "all_reduce=circulant,bruck";
  EXPECT_EQ(forced_algorithm(config, Collective::all_reduce), "circulant");
  EXPECT_EQ(forced_algorithm(config, Collective::all_gather), "bruck");
  EXPECT_EQ(forced_algorithm(config, Collective::barrier), "");
  EXPECT_EQ(forced_algorithm("ring", Collective::barrier), "");
  EXPECT_EQ(forced_algorithm("ring", Collective::reduce_scatter), "ring");
  EXPECT_EQ(forced_algorithm("rign", Collective::reduce_scatter), "rign");
  EXPECT_EQ(forced_algorithm("", Collective::all_reduce), "");
}

}  // namespace
}  // namespace rlx::collectives
