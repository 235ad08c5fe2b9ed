// Files handed over between ranks, whatever else knocks, lies or stays silent.

#include "transports/shm/hand_over.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "tests/transports/shm/cards.hpp"
#include "lib/base/unix_socket.hpp"

namespace rlx::shm {

using detail::accept_from, detail::connect_to, detail::listen_at, detail::send_packet;
using detail::Descriptor;

namespace {

using test::cards_of;
using test::write_text;
using Clock = HandOver::Clock;

std::size_t any_room() { return std::numeric_limits<std::size_t>::max(); }

// Ranks in the hands of this test, each with its file and listener.
struct Doors {
  explicit Doors(std::size_t ranks) : cards(cards_of(ranks)) {
    for (Card& card : cards) {
      card.token = random_token();
      write_text(card.name, "rlx-test-" + std::to_string(random_token()[0]));
      listeners.push_back(listen_at(card.name.data(), 16));
      files.push_back(std::make_unique<SharedFile>(card.token, any_room));
    }
  }

  /// All ranks reach each other at once and, when all do, as the meeting sees to, hand over at
  /// once; the verdicts by rank.
  std::vector<std::vector<Verdict>> hand_over(std::chrono::milliseconds patience) {
    std::vector<std::vector<Verdict>> verdicts(cards.size());
    mates.resize(cards.size());
    std::barrier everybody(static_cast<std::ptrdiff_t>(cards.size()));
    std::atomic<bool> trouble{false};
    std::vector<std::jthread> threads;
    for (std::size_t rank = 0; rank < cards.size(); ++rank)
      threads.emplace_back([&, rank] {
        const Rank me(static_cast<std::uint32_t>(rank));
        HandOver mine(cards, me, std::move(listeners[rank]), descriptor(rank));
        verdicts[rank] = mine.reach();
        for (const Verdict& verdict : verdicts[rank])
          if (verdict.trouble != Trouble::none) trouble = true;
        everybody.arrive_and_wait();
        if (trouble) return;
        verdicts[rank] = mine.exchange(Clock::now() + patience);
        mates[rank] = mine.take();
      });
    threads.clear();
    return verdicts;
  }
  int descriptor(std::size_t rank) const {
    return rank == wrong_file_of ? ::open("/dev/null", O_RDWR | O_CLOEXEC)
                                 : files[rank]->descriptor();
  }

  std::vector<Card> cards;
  std::vector<Descriptor> listeners;
  std::vector<std::unique_ptr<SharedFile>> files;
  std::vector<std::vector<Mate>> mates;
  std::size_t wrong_file_of = ~std::size_t{0};
};

constexpr std::chrono::seconds kLong{10};

TEST(HandOver, gives_everybody_everybodys_file) {
  for (const std::size_t ranks : {1U, 2U, 3U, 8U}) {
    Doors doors(ranks);
    for (const auto& row : doors.hand_over(kLong))
      for (const Verdict& verdict : row) EXPECT_EQ(verdict.trouble, Trouble::none);
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      for (std::size_t peer = 0; peer < ranks; ++peer) {
        const Mate& mate = doors.mates[rank][peer];
        EXPECT_EQ(mate.socket.valid(), peer != rank);
        if (peer == rank) continue;
        const auto* page = reinterpret_cast<const ControlPage*>(mate.control.memory().data());
        EXPECT_EQ(page->token, doors.cards[peer].token);
      }
    }
  }
}

TEST(HandOver, is_not_disturbed_by_strangers_at_the_door) {
  Doors doors(2);
  Descriptor silent;
  Descriptor talks;
  Descriptor pretends;
  ASSERT_EQ(connect_to(doors.cards[0].name.data(), silent), 0);
  ASSERT_EQ(connect_to(doors.cards[0].name.data(), talks), 0);
  ASSERT_EQ(connect_to(doors.cards[0].name.data(), pretends), 0);
  const std::array<std::byte, 40> words{};  // as long as a packet of ours
  ASSERT_EQ(send_packet(talks, words, doors.files[1]->descriptor()), 0);
  // To rank 0, and from whom it calls rank 1.
  const std::array<std::uint64_t, 5> lies{doors.cards[0].token[0], doors.cards[0].token[1], 1, 2,
                                          1};
  ASSERT_EQ(send_packet(pretends, std::as_bytes(std::span(lies)), doors.files[1]->descriptor()), 0);
  for (const auto& row : doors.hand_over(kLong))
    for (const Verdict& verdict : row) EXPECT_EQ(verdict.trouble, Trouble::none);
}

TEST(HandOver, finds_a_rank_that_nobody_can_reach_at_once) {
  Doors doors(2);
  write_text(doors.cards[0].name, "rlx-test-nobody-listens-here");
  HandOver mine(doors.cards, Rank(1), std::move(doors.listeners[1]), doors.descriptor(1));
  EXPECT_EQ(mine.reach()[0].trouble, Trouble::unreachable);
}

TEST(HandOver, waits_for_a_silent_rank_until_its_deadline) {
  Doors doors(2);
  HandOver mine(doors.cards, Rank(1), std::move(doors.listeners[1]), doors.descriptor(1));
  EXPECT_EQ(mine.reach()[0].trouble, Trouble::none) << "it listens";
  const auto verdicts = mine.exchange(Clock::now() + std::chrono::milliseconds(50));
  EXPECT_EQ(verdicts[0].trouble, Trouble::silent);
}

TEST(HandOver, refuses_a_file_that_is_not_the_ranks_own) {
  Doors doors(3);
  doors.wrong_file_of = 2;
  const auto verdicts = doors.hand_over(kLong);
  EXPECT_EQ(verdicts[0][2].trouble, Trouble::unmapped);
  EXPECT_EQ(verdicts[1][2].trouble, Trouble::unmapped);
  EXPECT_EQ(verdicts[2][0].trouble, Trouble::closed) << "and does not wait for an answer";
  EXPECT_EQ(verdicts[0][1].trouble, Trouble::none);
}

TEST(HandOver, believes_the_kernel_about_users) {
  Doors doors(2);
  for (Card& card : doors.cards) card.user = 4711;
  const auto verdicts = doors.hand_over(kLong);
  EXPECT_EQ(verdicts[0][1].trouble, Trouble::other_user);
}

TEST(HandOver, that_lacks_descriptors_says_so_instead_of_waiting) {
  Doors doors(3);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = static_cast<rlim_t>(::dup(0)) + 1;  // and one may still be opened
  ::close(static_cast<int>(few.rlim_cur) - 1);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto begin = Clock::now();
  const auto verdicts = doors.hand_over(kLong);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_LT(Clock::now() - begin, kLong / 2);
  bool told = false;
  for (const auto& row : verdicts)
    for (const Verdict& verdict : row) told |= verdict.trouble == Trouble::no_descriptors;
  EXPECT_TRUE(told);
}

}  // namespace

}  // namespace rlx::shm
