// Nodes from cards and verdicts: always sets in which everybody shares with everybody.

#include "transports/shm/parties.hpp"

#include <gmock/gmock.h>

#include <random>

#include "rlx/error.hpp"
#include "tests/transports/shm/cards.hpp"

namespace rlx::shm {

namespace {

using test::cards_of;
using test::write_text;
using testing::ElementsAre;
using testing::HasSubstr;

using Numbers = std::vector<std::uint32_t>;

Party ranks(std::initializer_list<std::uint32_t> numbers) {
  Party party;
  for (const std::uint32_t number : numbers) party.emplace_back(number);
  return party;
}

TEST(Parties, are_ranks_of_one_machine_user_network_and_node) {
  auto cards = cards_of(7);
  cards[1].user += 1;
  cards[3].user += 1;
  cards[4].identity.net_namespace += 1;
  cards[5].identity.boot[0] ^= 1;
  cards[6].node = 1;
  EXPECT_THAT(parties_of(cards),
              ElementsAre(ranks({0, 2}), ranks({1, 3}), ranks({4}), ranks({5}), ranks({6})));
}

TEST(Parties, of_ranks_without_shared_memory_have_one_member) {
  auto cards = cards_of(4);
  write_text(cards[1].problem, "no memfd");
  write_text(cards[2].problem, "no memfd");
  EXPECT_THAT(parties_of(cards), ElementsAre(ranks({0, 3}), ranks({1}), ranks({2})));
}

/// Of one party of all ranks, in which these pairs had trouble: who, with whom.
Numbers divided(std::size_t size, std::vector<std::pair<std::size_t, std::size_t>> troubles) {
  const std::vector<Party> parties = parties_of(cards_of(size));
  Verdicts verdicts(parties);
  std::vector<Verdict> rows(size * verdicts.row_length());
  for (const auto& [who, whom] : troubles) rows[who * size + whom] = {Trouble::unreachable, 0};
  verdicts.add(rows);
  return nodes_of(parties, verdicts);
}

TEST(Nodes, are_whole_parties_without_trouble) {
  EXPECT_THAT(divided(4, {}), ElementsAre(0, 0, 0, 0));
  auto cards = cards_of(5);
  cards[1].node = cards[3].node = 9;
  const std::vector<Party> parties = parties_of(cards);
  EXPECT_THAT(nodes_of(parties, Verdicts(parties)), ElementsAre(0, 1, 0, 1, 0));
}

TEST(Nodes, take_the_word_of_one_rank_for_the_trouble_of_two) {
  EXPECT_THAT(divided(2, {{0, 1}}), ElementsAre(0, 1));
  EXPECT_THAT(divided(2, {{1, 0}}), ElementsAre(0, 1));
}

TEST(Nodes, are_not_shared_with_the_mate_of_a_mate) {
  EXPECT_THAT(divided(3, {{2, 0}}), ElementsAre(0, 0, 1)) << "2 and 1 could, 2 and 0 can not";
  EXPECT_THAT(divided(4, {{2, 1}}), ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(divided(4, {{1, 0}, {3, 2}}), ElementsAre(0, 1, 0, 1));
}

TEST(Nodes, keep_what_was_found_out_first) {
  const std::vector<Party> parties = parties_of(cards_of(2));
  Verdicts verdicts(parties);
  verdicts.add(std::vector<Verdict>{{}, {Trouble::other_user, 0}, {}, {}});
  verdicts.add(std::vector<Verdict>{{}, {Trouble::left_out, 0}, {Trouble::left_out, 0}, {}});
  const auto square = verdicts.among(parties[0]);
  EXPECT_EQ(square[1].trouble, Trouble::other_user);
  EXPECT_EQ(square[2].trouble, Trouble::left_out);
}

TEST(Nodes, of_random_troubles_have_none_within_and_count_from_0) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const std::size_t size = 1 + random() % 12;
    std::vector<std::pair<std::size_t, std::size_t>> troubles;
    for (std::size_t i = random() % (2 * size); i-- > 0;) {
      const std::size_t who = random() % size;
      const std::size_t whom = random() % size;
      if (who != whom) troubles.emplace_back(who, whom);
    }
    const Numbers nodes = divided(size, troubles);
    for (const auto& [who, whom] : troubles) EXPECT_NE(nodes[who], nodes[whom]);
    std::uint32_t next = 0;
    for (const std::uint32_t node : nodes) {
      EXPECT_LE(node, next);
      next = std::max(next, node + 1);
    }
  }
}

TEST(PretendedNodes, are_a_list_that_begins_again) {
  EXPECT_EQ(pretended_node("", Rank(5)), 0U);
  EXPECT_EQ(pretended_node("4", Rank(5)), 4U);
  EXPECT_EQ(pretended_node("0,0,1", Rank(2)), 1U);
  EXPECT_EQ(pretended_node("0,0,1", Rank(3)), 0U);
}

TEST(PretendedNodes, that_are_no_numbers_are_refused_with_the_word) {
  for (const char* text : {"a", "0,b,1", "0,-1", "1 2", "0,,1"}) {
    try {
      static_cast<void>(pretended_node(text, Rank(0)));
      ADD_FAILURE() << text << " was taken";
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
      EXPECT_THAT(error.what(), HasSubstr("RLX_NODES"));
    }
  }
}

}  // namespace

}  // namespace rlx::shm
