#include "collectives/butterfly.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <numeric>
#include <set>

#include "collectives/algorithms.hpp"
#include "collectives/executor/binding.hpp"
#include "collectives/verifier/verifier.hpp"

namespace rlx::collectives {
namespace {

constexpr std::uint32_t kRadices[] = {3, kWideRadix};

// Whether a number is a product of factors up to `most`.
bool is_smooth(std::uint32_t number, std::uint32_t most) {
  for (std::uint32_t factor = 2; factor <= most; ++factor)
    while (number % factor == 0) number /= factor;
  return number == 1;
}

TEST(Digits, fold_exactly_where_a_factor_is_too_large_and_then_less_than_half_or_half) {
  for (const std::uint32_t most : kRadices) {
    for (std::uint32_t ranks = 1; ranks <= 300; ++ranks) {
      const Digits digits(ranks, most);
      EXPECT_EQ(digits.folded() == 0, is_smooth(ranks, most)) << ranks;
      std::uint32_t product = 1;
      for (std::uint32_t i = 0; i < digits.rounds(); ++i) product *= digits.radix(i);
      EXPECT_EQ(product + digits.folded(), ranks);
      EXPECT_LE(digits.folded(), product);
    }
  }
}

TEST(Digits, are_as_few_as_can_be_and_then_as_small_as_can_be) {
  EXPECT_EQ(Digits(16, 8).rounds(), 2u);
  EXPECT_EQ(Digits(16, 8).messages(), 6u);  // 4 x 4, not 2 x 8
  EXPECT_EQ(Digits(12, 8).messages(), 5u);  // 3 x 4, not 2 x 6
  EXPECT_EQ(Digits(7, 8).rounds(), 1u);
  EXPECT_EQ(Digits(64, 8).rounds(), 2u);
  EXPECT_EQ(Digits(18, 3).rounds(), 3u);
  EXPECT_EQ(Digits(8, 3).messages(), 3u);
}

// Partners' words and each other's view of them, for one round of a graph.
template <class Partners>
void expect_mutual(std::uint32_t ranks, std::uint32_t me, std::uint32_t count,
                   const Partners& partners) {
  for (std::uint32_t i = 1; i <= count; ++i) {
    const Partner mine = partners(me, i);
    EXPECT_NE(mine.to, me);
    EXPECT_LT(mine.to, ranks);
    const Partner theirs = partners(mine.to, i);
    EXPECT_EQ(theirs.from, me);
    EXPECT_EQ(theirs.word, mine.word);
  }
}

TEST(Digits, make_partners_that_agree_who_writes_which_word) {
  for (const std::uint32_t most : kRadices) {
    for (std::uint32_t ranks = 2; ranks <= 130; ++ranks) {
      const Digits digits(ranks, most);
      for (std::uint32_t rank = 0; rank < ranks; ++rank) {
        if (digits.is_folded(rank)) continue;
        std::set<Word> words;
        for (std::uint32_t round = 0; round < digits.rounds(); ++round) {
          const auto partners = [&](std::uint32_t me, std::uint32_t i) {
            return digits.partner(me, round, i);
          };
          expect_mutual(ranks, rank, digits.radix(round) - 1, partners);
          for (std::uint32_t i = 1; i < digits.radix(round); ++i) {
            EXPECT_FALSE(digits.is_folded(partners(rank, i).to));
            EXPECT_TRUE(words.insert(partners(rank, i).word).second);
          }
        }
        EXPECT_EQ(words.size(), digits.messages());
      }
    }
  }
}

TEST(Digits, of_a_power_of_two_are_its_bits) {
  const Digits digits(32, 3);
  for (std::uint32_t rank = 0; rank < 32; ++rank)
    for (std::uint32_t round = 0; round < 5; ++round)
      EXPECT_EQ(digits.partner(rank, round, 1).to, rank ^ (1u << round));
}

TEST(Circulant, moves_every_block_of_others_once_between_partners_that_agree) {
  for (std::uint32_t ranks = 2; ranks <= 130; ++ranks) {
    for (const Circulant& graph : {Circulant::doubling(ranks), Circulant::balanced(ranks, 2),
                                   Circulant::balanced(ranks, kWideRadix)}) {
      std::uint32_t blocks = 0;
      for (std::uint32_t round = 1; round <= graph.rounds(); ++round) {
        const auto reducing = [&](std::uint32_t me, std::uint32_t i) {
          return graph.reducing(Builder(Collective::barrier, {ranks, me}, ranks), round, i);
        };
        expect_mutual(ranks, ranks / 2, graph.partners(round), reducing);
        for (std::uint32_t i = 1; i <= graph.partners(round); ++i) blocks += graph.blocks(round, i);
      }
      EXPECT_EQ(blocks, ranks - 1);
    }
  }
}

TEST(Circulant, has_as_many_rounds_as_the_radix_allows_and_no_more_partners) {
  for (std::uint32_t ranks = 2; ranks <= 600; ++ranks) {
    const Circulant graph = Circulant::balanced(ranks, 8);
    EXPECT_EQ(graph.rounds(), (std::bit_width(ranks - 1) + 2u) / 3);
    for (std::uint32_t round = 1; round <= graph.rounds(); ++round)
      EXPECT_LE(graph.partners(round), 7u);
  }
}

// Ranks beside those of the tests of all algorithms: large primes, powers, products.
TEST(NetworkAlgorithms, are_right_and_cost_what_they_declare_on_more_numbers_of_ranks) {
  for (const Algorithm& algorithm : algorithms()) {
    if (!algorithm.needs.network) continue;
    for (const std::uint32_t ranks : {65u, 81u, 97u, 125u, 127u, 130u}) {
      const auto facts = verifier::check_family(verifier::family_of(algorithm, {ranks}));
      EXPECT_TRUE(facts.findings.empty())
          << algorithm.name << ", " << ranks << ": " << facts.findings.kept()[0].text;
      EXPECT_TRUE(facts.all_dependent);
    }
  }
}

const Algorithm& all_reduce(std::string_view name) {
  return *find_algorithm(Collective::all_reduce, name);
}

TEST(RecursiveExchange, takes_one_round_of_up_to_8_ranks_and_two_of_up_to_64) {
  for (std::uint32_t ranks = 2; ranks <= 8; ++ranks)
    for (const char* name : {"k_ary", "k_ary_line"})
      EXPECT_EQ(all_reduce(name).cost({ranks}).rounds, 1u) << name << ranks;
  for (const std::uint32_t ranks : {9u, 16u, 35u, 56u, 64u})
    EXPECT_EQ(all_reduce("k_ary").cost({ranks}).rounds, 2u) << ranks;
  EXPECT_EQ(all_reduce("k_ary").cost({11}).rounds, 3u);  // 3 hand in to 8, which take one, and back
  for (std::uint32_t bits = 1; bits <= 12; ++bits)
    EXPECT_EQ(all_reduce("doubling").cost({1u << bits}).rounds, bits);
}

// What rank 1 of 2 does: one put, one wait.
TEST(RecursiveExchange, of_two_ranks_is_one_message_each_way_in_the_line_of_its_signal) {
  for (const char* name : {"doubling_line", "k_ary_line"}) {
    const Schedule schedule = all_reduce(name).generate({2, 1});
    ASSERT_EQ(schedule.steps.size(), 4u);
    EXPECT_EQ(schedule.steps[1].kind, StepKind::put);
    EXPECT_EQ(schedule.destinations(schedule.steps[1])[0], Builder::line(0));
    EXPECT_EQ(schedule.steps[2].kind, StepKind::wait);
    EXPECT_EQ(schedule.steps[3].kind, StepKind::reduce);
  }
}

// Scratch has whole lines for every chunk, of which a signal's line could not hold the last bytes.
TEST(RecursiveExchange, moves_the_bytes_of_the_vector_between_scratch_and_lines) {
  const Schedule schedule = all_reduce("k_ary_line").generate({11, 0});
  const BoundPlan plan = bind(schedule, {.element_bytes = 4, .count = 14});
  for (const BoundStep& step : plan.steps) {
    if (step.kind != StepKind::wait) {
      EXPECT_EQ(step.bytes, 56u);
    }
  }
}

// Which ranks' inputs a rank's sums hold, in which order, worked out from the digits alone.
TEST(RecursiveExchange, adds_up_in_rank_order) {
  for (const std::uint32_t most : kRadices) {
    for (const std::uint32_t ranks : {6u, 11u, 23u, 64u, 90u, 127u}) {
      const Digits digits(ranks, most);
      std::vector<std::vector<std::uint32_t>> sums(ranks);
      for (std::uint32_t rank = 0; rank < ranks; ++rank) {
        if (digits.is_folded(rank)) continue;
        sums[rank] = {rank};
        if (digits.has_folded(rank)) sums[rank].push_back(rank + 1);
      }
      for (std::uint32_t round = 0; round < digits.rounds(); ++round) {
        auto next = sums;
        for (std::uint32_t rank = 0; rank < ranks; ++rank) {
          if (digits.is_folded(rank)) continue;
          std::vector<std::uint32_t> places(digits.radix(round), rank);
          const std::uint32_t mine = digits.digit(rank, round);
          for (std::uint32_t i = 1; i < digits.radix(round); ++i)
            places[(mine + i) % digits.radix(round)] = digits.partner(rank, round, i).to;
          next[rank].clear();
          for (const std::uint32_t from : places)
            next[rank].insert(next[rank].end(), sums[from].begin(), sums[from].end());
        }
        sums = std::move(next);
      }
      std::vector<std::uint32_t> in_order(ranks);
      std::iota(in_order.begin(), in_order.end(), 0u);
      for (std::uint32_t rank = 0; rank < ranks; ++rank) {
        if (!digits.is_folded(rank)) {
          EXPECT_EQ(sums[rank], in_order) << ranks << " rank " << rank;
        }
      }
    }
  }
}

TEST(BidirectionalRing, needs_half_the_rounds_of_a_ring_and_sends_as_much) {
  for (const Collective collective :
       {Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter}) {
    const Algorithm& both = *find_algorithm(collective, "bidirectional_ring");
    const Algorithm& one = *find_algorithm(collective, "ring");
    for (std::uint32_t ranks = 3; ranks <= 130; ++ranks) {
      EXPECT_LE(both.cost({ranks}).rounds, one.cost({ranks}).rounds / 2 + 2) << ranks;
      EXPECT_EQ(both.cost({ranks}).sent_chunks, one.cost({ranks}).sent_chunks);
    }
  }
}

TEST(BidirectionalRing, sends_as_many_blocks_either_way_or_one_more) {
  const Algorithm& ring = *find_algorithm(Collective::all_gather, "bidirectional_ring");
  for (std::uint32_t ranks = 3; ranks <= 130; ++ranks) {
    std::uint32_t right = 0;
    std::uint32_t left = 0;
    for (const Step& step : ring.generate({ranks, 0}).steps) {
      if (step.kind != StepKind::put || step.arrive == kNoWord) continue;
      (step.peer == 1 ? right : left) += 1;
    }
    EXPECT_EQ(right + left, ranks - 1);
    EXPECT_LE(right - left, 1u);
  }
}

TEST(MultiRing, sends_to_as_many_ranks_as_it_has_lanes_and_equally_to_each) {
  for (std::uint32_t ranks = 2; ranks <= 130; ++ranks) {
    const Schedule schedule = all_reduce("multi_ring").generate({ranks, ranks - 1});
    std::map<std::uint32_t, std::uint32_t> sent;
    for (const Step& step : schedule.steps)
      if (step.kind == StepKind::put && schedule.sources(step)[0].space != Space::arrival)
        ++sent[step.peer];
    EXPECT_EQ(sent.size(), schedule.lanes) << ranks;
    for (const auto& [peer, puts] : sent) EXPECT_EQ(puts, 2 * (ranks - 1));
    if (ranks > 6) {
      EXPECT_EQ(schedule.lanes, 4) << ranks;
    }
    EXPECT_EQ(schedule.chunks, schedule.lanes * ranks);
  }
}

}  // namespace
}  // namespace rlx::collectives
