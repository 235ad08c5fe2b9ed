// Who can share memory with whom: decided alike by all, with the reason.

#include "transports/shm/meeting.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <thread>

#include "tests/transports/shm/cards.hpp"
#include "tests/transports/shm/rank_processes.hpp"

namespace rlx::shm {

namespace {

using test::cards_of;
using test::write_text;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Refusal, ranks_of_one_machine_one_user_and_one_network_have_none) {
  EXPECT_FALSE(find_refusal(cards_of(1)));
  EXPECT_FALSE(find_refusal(cards_of(5)));
}

TEST(Refusal, of_another_host_names_both_before_anything_else) {
  auto cards = cards_of(3);
  cards[2].identity.boot[0] ^= 1;
  write_text(cards[2].identity.host, "there");
  cards[1].user += 1;  // hosts come first: between them nothing else matters
  const auto refusal = find_refusal(cards);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->ranks, ElementsAre(Rank(0), Rank(2)));
  EXPECT_THAT(refusal->why, AllOf(HasSubstr("here"), HasSubstr("there"), HasSubstr("rank 2")));
}

TEST(Refusal, of_another_user_or_container_names_both_ranks) {
  auto cards = cards_of(3);
  cards[1].user = 4711;
  auto refusal = find_refusal(cards);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->ranks, ElementsAre(Rank(0), Rank(1)));
  EXPECT_THAT(refusal->why, AllOf(HasSubstr("user"), HasSubstr("4711")));

  cards = cards_of(3);
  cards[2].identity.net_namespace += 1;
  refusal = find_refusal(cards);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->ranks, ElementsAre(Rank(0), Rank(2)));
  EXPECT_THAT(refusal->why, AllOf(HasSubstr("namespace"), HasSubstr("container")));
}

TEST(Refusal, names_ranks_as_their_cards_do) {
  auto cards = cards_of(2);
  cards[0].rank = 4;
  cards[1].rank = 7;
  std::vector<Verdict> verdicts(4);
  verdicts[2] = {Trouble::silent, 0};
  EXPECT_THAT(find_refusal(cards, verdicts)->ranks, ElementsAre(Rank(4), Rank(7)));
  EXPECT_THAT(find_refusal(cards, verdicts)->why, HasSubstr("rank 7 can not share with rank 4"));
  cards[1].node = 1;
  EXPECT_THAT(find_refusal(cards)->ranks, ElementsAre(Rank(4), Rank(7)));
  EXPECT_THAT(find_refusal(cards)->why, HasSubstr("RLX_NODES"));
}

TEST(Refusal, of_a_rank_that_has_no_shared_memory_gives_its_words) {
  auto cards = cards_of(3);
  write_text(cards[1].problem, "this system makes no memfd");
  const auto refusal = find_refusal(cards);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->ranks, ElementsAre(Rank(1)));
  EXPECT_THAT(refusal->why, AllOf(HasSubstr("rank 1"), HasSubstr("memfd")));
}

TEST(Refusal, of_a_pair_is_told_by_the_one_who_knows_why) {
  const auto cards = cards_of(3);
  std::vector<Verdict> verdicts(9);
  EXPECT_FALSE(find_refusal(cards, verdicts));
  verdicts[0 * 3 + 1] = {Trouble::closed, 0};
  verdicts[1 * 3 + 0] = {Trouble::unmapped, ENOMEM};
  const auto refusal = find_refusal(cards, verdicts);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->ranks, ElementsAre(Rank(0), Rank(1)));
  EXPECT_THAT(refusal->why, AllOf(HasSubstr("rank 1 can not share with rank 0"),
                                  HasSubstr("mapped"), HasSubstr("memory")));
}

/// Changes what travels in exchange `number`.
using Spoil = std::function<void(int number, std::vector<std::byte>& all)>;

/// What `make` gives each of `ranks` threads.
template <class Made>
std::vector<Made> on_threads(std::size_t ranks, const Spoil& spoil,
                             const std::function<Made(const TransportSetup&)>& make) {
  test::Board board(ranks);
  std::vector<Made> attempts(ranks);
  std::vector<std::jthread> threads;
  for (std::size_t rank = 0; rank < ranks; ++rank)
    threads.emplace_back([&, rank] {
      const Config config;
      TransportSetup setup = test::setup_on(board, rank, config);
      int number = 0;
      setup.exchange = [&, rank](std::span<const std::byte> mine) {
        auto all = board.exchange(rank, mine);
        spoil(number++, all);
        return all;
      };
      attempts[rank] = make(setup);
    });
  threads.clear();
  return attempts;
}

std::vector<ShmAttempt> attempt(std::size_t ranks, const Spoil& spoil) {
  return on_threads<ShmAttempt>(ranks, spoil,
                                [](const TransportSetup& setup) { return try_shm(setup); });
}

/// Changes the card of rank 1.
Spoil spoil_card(const std::function<void(Card& card)>& change) {
  return [change](int number, std::vector<std::byte>& all) {
    if (number != 0) return;
    Card card;
    std::byte* const at = all.data() + sizeof(Card);
    std::memcpy(static_cast<void*>(&card), at, sizeof card);
    change(card);
    std::memcpy(at, &card, sizeof card);
  };
}

const Spoil kUnreachable =
    spoil_card([](Card& card) { write_text(card.name, "rlx-test-another-network"); });

TEST(Meeting, ends_alike_on_all_ranks_and_leaves_nothing_open_when_one_can_not_be_reached) {
  const std::size_t before = test::open_descriptors();
  const auto attempts = attempt(3, kUnreachable);
  for (const ShmAttempt& one : attempts) {
    ASSERT_TRUE(one.refusal);
    EXPECT_EQ(one.transport, nullptr);
    EXPECT_EQ(one.refusal->why, attempts[0].refusal->why);
    EXPECT_THAT(one.refusal->ranks, ElementsAre(Rank(1), Rank(2)));
    EXPECT_THAT(one.refusal->why, HasSubstr("rank 2 can not share with rank 1"));
  }
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST(Meeting, divides_those_who_can_not_share_and_joins_the_others) {
  const std::size_t before = test::open_descriptors();
  auto meetings = on_threads<Meeting>(4, kUnreachable, [](const TransportSetup& setup) {
    return meet(setup, [] { return std::size_t{1} << 40; });
  });
  for (std::size_t rank = 0; rank < 4; ++rank) {
    const Meeting& mine = meetings[rank];
    EXPECT_THAT(mine.node_of, ElementsAre(0, 0, 1, 1));
    EXPECT_EQ(mine.nodes(), 2U);
    EXPECT_EQ(mine.ranks_with(Rank(static_cast<std::uint32_t>(rank))), 2U);
    EXPECT_EQ(mine.refusal->why, meetings[0].refusal->why);
    EXPECT_EQ(mine.refusal_here->why, meetings[0].refusal->why);
    EXPECT_EQ(mine.speaks, rank == 0);
    for (std::size_t peer = 0; peer < 4; ++peer)
      EXPECT_EQ(mine.mates[peer].file.valid(), peer != rank && peer / 2 == rank / 2) << peer;
  }
  meetings.clear();
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST(Meeting, takes_pretended_nodes_for_what_they_are_said_to_be) {
  const auto meetings = on_threads<Meeting>(
      5, [](int, std::vector<std::byte>&) {},
      [](const TransportSetup& given) {
        Config config;
        config.nodes = "7,3";
        TransportSetup setup = given;
        setup.config = &config;
        return meet(setup, [] { return std::size_t{1} << 40; });
      });
  for (const Meeting& mine : meetings) {
    EXPECT_THAT(mine.node_of, ElementsAre(0, 1, 0, 1, 0));
    EXPECT_THAT(mine.refusal->why, HasSubstr("RLX_NODES"));
    EXPECT_FALSE(mine.refusal_here) << "nobody of a pretended node was refused anything";
  }
}

TEST(Meeting, of_all_gives_transports_and_closes_everything_with_them) {
  const std::size_t before = test::open_descriptors();
  auto attempts = attempt(4, [](int, std::vector<std::byte>&) {});
  for (const ShmAttempt& one : attempts) ASSERT_NE(one.transport, nullptr);
  EXPECT_EQ(attempts[3].transport->capabilities().name, "shm");
  attempts.clear();
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST(Meeting, under_the_transports_own_name_is_an_error_that_says_what_to_use) {
  TransportSetup setup;
  const Config config;
  setup.config = &config;
  setup.size = 2;
  setup.exchange = [](std::span<const std::byte> mine) {
    Card other;
    std::memcpy(static_cast<void*>(&other), mine.data(), sizeof other);
    other.identity.boot[0] ^= 1;
    write_text(other.identity.host, "elsewhere");
    std::vector<std::byte> all(mine.begin(), mine.end());
    const auto bytes = std::as_bytes(std::span(&other, 1));
    all.insert(all.end(), bytes.begin(), bytes.end());
    return all;
  };
  try {
    static_cast<void>(make_transport("shm", setup));
    FAIL() << "nothing was thrown";
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
    EXPECT_THAT(error.ranks(), ElementsAre(Rank(0), Rank(1)));
    EXPECT_THAT(error.what(), AllOf(HasSubstr("elsewhere"), HasSubstr("RLX_TRANSPORT=ofi")));
  }
}

using Transports = std::vector<std::unique_ptr<SymmetricTransport>>;

Transports automatic(std::size_t ranks, const Spoil& spoil, const std::string& provider = "") {
  return on_threads<std::unique_ptr<SymmetricTransport>>(ranks, spoil,
                                                         [&provider](const TransportSetup& given) {
                                                           Config config;
                                                           config.provider = provider;
                                                           TransportSetup setup = given;
                                                           setup.config = &config;
                                                           return make_transport("auto", setup);
                                                         });
}

TEST(Automatic, is_shared_memory_where_all_can_share_it) {
  for (const auto& one : automatic(3, [](int, std::vector<std::byte>&) {}))
    EXPECT_EQ(one->capabilities().name, "shm");
}

#if RLX_HAVE_OFI
std::size_t lines_about_memory(const std::string& text) {
  std::size_t count = 0;
  const std::string words = "can not share memory";
  for (auto at = text.find(words); at != text.npos; at = text.find(words, at + 1)) ++count;
  return count;
}

TEST(Automatic, is_hybrid_where_some_ranks_of_one_host_can_not_and_says_so_once) {
  testing::internal::CaptureStderr();
  const Transports transports = automatic(3, kUnreachable);
  const std::string text = testing::internal::GetCapturedStderr();
  for (const auto& one : transports) EXPECT_EQ(one->capabilities().name, "hybrid");
  EXPECT_THAT(transports[0]->capabilities().load_store, ElementsAre(true, true, false));
  EXPECT_THAT(transports[1]->capabilities().load_store, ElementsAre(true, true, false));
  EXPECT_THAT(transports[2]->capabilities().load_store, ElementsAre(false, false, true));
  EXPECT_EQ(lines_about_memory(text), 1U) << text;
  EXPECT_THAT(text, HasSubstr("rank 2 can not share with rank 1"));
}

TEST(Automatic, is_libfabric_where_no_two_ranks_of_one_host_can_and_says_so_once) {
  testing::internal::CaptureStderr();
  const Transports transports = automatic(2, spoil_card([](Card& card) { card.user += 1; }));
  const std::string text = testing::internal::GetCapturedStderr();
  for (const auto& one : transports) EXPECT_EQ(one->capabilities().name, "ofi");
  EXPECT_EQ(lines_about_memory(text), 1U) << text;
  EXPECT_THAT(text, HasSubstr("user"));
}

TEST(Automatic, is_hybrid_where_some_hosts_have_several_ranks_without_a_word) {
  testing::internal::CaptureStderr();
  const auto elsewhere = spoil_card([](Card& card) { card.identity.boot[0] ^= 1; });
  const Transports transports = automatic(3, elsewhere);
  EXPECT_EQ(lines_about_memory(testing::internal::GetCapturedStderr()), 0U);
  EXPECT_EQ(transports[1]->capabilities().name, "hybrid");
  EXPECT_THAT(transports[0]->capabilities().load_store, ElementsAre(true, false, true));
}

TEST(Automatic, is_libfabric_between_hosts_without_a_word) {
  testing::internal::CaptureStderr();
  const auto elsewhere = spoil_card([](Card& card) { card.identity.boot[0] ^= 1; });
  const Transports transports = automatic(2, elsewhere);
  EXPECT_EQ(lines_about_memory(testing::internal::GetCapturedStderr()), 0U);
  for (const auto& one : transports) EXPECT_EQ(one->capabilities().name, "ofi");
}

TEST(Automatic, is_libfabric_on_one_node_where_its_provider_is_named) {
  for (const auto& one : automatic(
           2, [](int, std::vector<std::byte>&) {}, "tcp;ofi_rxm")) {
    EXPECT_EQ(one->capabilities().name, "ofi");
    EXPECT_THAT(one->capabilities().detail, HasSubstr("tcp"));
  }
}

TEST(Automatic, leaves_node_mates_to_mapped_memory_where_others_need_the_provider_that_is_named) {
  const auto elsewhere = spoil_card([](Card& card) { card.identity.boot[0] ^= 1; });
  const Transports transports = automatic(3, elsewhere, "tcp;ofi_rxm");
  EXPECT_EQ(transports[0]->capabilities().name, "hybrid");
  EXPECT_THAT(transports[0]->capabilities().load_store, ElementsAre(true, false, true));
  EXPECT_THAT(transports[1]->capabilities().detail, HasSubstr("tcp;ofi_rxm"));
}
#endif

}  // namespace

}  // namespace rlx::shm
