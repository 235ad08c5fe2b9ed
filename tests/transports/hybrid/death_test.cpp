// Ranks that are killed: told to mates and to those over the network, by name, and to nobody's
// harm.

#include <gmock/gmock.h>

#include <chrono>
#include <random>
#include <string>
#include <thread>

#include "tests/transports/hybrid/shapes.hpp"
#include "tests/transports/shm/rank_processes.hpp"

namespace rlx::test {

namespace {

using testing::HasSubstr;

constexpr double kWithinMs = 1000;
constexpr double kPatienceMs = 15000;

WiredRank rank_on(Board& board, std::size_t me, const std::string& nodes) {
  return {board, me, [&nodes](const TransportSetup& setup) { return make_on_nodes(setup, nodes); }};
}

/// Signals to a rank, polling, until it is taken and complete.
void reach(WiredRank& rank, Rank to, std::uint32_t word, std::uint64_t value) {
  Completion completion;
  Issue issue = Issue::busy;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(15);
  while (issue != Issue::done || !completion.drained()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "rank " << to.value();
    if (issue != Issue::done) issue = rank.transport().signal(0, {to, word, value}, completion);
    ASSERT_NE(issue, Issue::failed) << "rank " << to.value();
    rank.transport().progress();
  }
}

void meet_polling(Board& board, WiredRank& rank) {
  const std::uint64_t generation = board.arrive();
  while (!board.all_arrived(generation)) rank.transport().progress();
}

void reach_all(WiredRank& rank, std::size_t me, std::size_t ranks) {
  for (std::uint32_t to = 0; to < ranks; ++to)
    reach(rank, Rank(to), static_cast<std::uint32_t>(me), 1);
}

struct Kill {
  std::string nodes;
  std::size_t victim;
};

class Death : public testing::TestWithParam<Kill> {};

TEST_P(Death, is_told_to_every_rank_by_name_and_the_others_go_on) {
  constexpr std::size_t kRanks = 4;
  const auto& [nodes, victim] = GetParam();
  Board board(kRanks);
  RankProcesses ranks(kRanks, [&](std::size_t me) {
    WiredRank rank = rank_on(board, me, nodes);
    reach_all(rank, me, kRanks);
    meet_polling(board, rank);
    board.tick();
    const double ms = rank.poll_until_failure(kPatienceMs);
    ASSERT_GE(ms, 0) << "rank " << me << " was never told";
    EXPECT_LT(ms, kWithinMs + 500) << "which began before the kill";
    const auto failure = rank.transport().failure();
    EXPECT_EQ(failure->kind, ErrorKind::PeerFailed);
    EXPECT_EQ(failure->rank, Rank(static_cast<std::uint32_t>(victim)));
    EXPECT_THAT(failure->message, HasSubstr("rank " + std::to_string(victim)));
    for (std::uint32_t peer = 0; peer < kRanks; ++peer) {
      EXPECT_EQ(rank.transport().peer_failed(Rank(peer)), peer == victim) << peer;
      if (peer != victim) reach(rank, Rank(peer), static_cast<std::uint32_t>(kRanks + me), 2);
    }
    board.tick();
    board.wait_for_ticks(2 * kRanks - 1);  // nobody leaves before all have been told
  });
  board.wait_for_ticks(kRanks);
  ranks.kill(victim);
  EXPECT_TRUE(ranks.all_end_well());
}

INSTANTIATE_TEST_SUITE_P(Hybrid, Death,
                         testing::Values(Kill{"0,0,1,1", 1}, Kill{"0,1,1,0", 2}, Kill{"0,0,0,1", 3},
                                         Kill{"0,0,0,1", 0}, Kill{"0,1,2,3", 2},
                                         Kill{"0,0,0,0", 3}),
                         [](const auto& shape) {
                           std::string name = "rank_" + std::to_string(shape.param.victim) +
                                              "_of_" + shape.param.nodes;
                           std::ranges::replace(name, ',', '_');
                           return name;
                         });

/// Puts to all in turn until it is told of a death. An operation may only fail to the dead.
void put_until_failure(WiredRank& rank, std::size_t me, Rank victim, std::size_t ranks) {
  std::vector<Completion> completions(ranks);
  std::uint64_t value = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(15);
  while (!rank.transport().has_failed()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the death was never found";
    const Rank to(static_cast<std::uint32_t>((me + 1 + value % (ranks - 1)) % ranks));
    ++value;
    const Issue issue = rank.transport().put_signal(
        0, {to, rank.heap_window(), 0},
        {rank.heap().data(), value * 977 % kRankHeapBytes, rank.heap_window()},
        {to, static_cast<std::uint32_t>(me), SignalValue::make(0, value, 0)},
        completions[to.index()]);
    if (issue == Issue::failed) {
      EXPECT_EQ(to, victim);
    }
    rank.transport().progress();
  }
}

TEST(DeathInTraffic, is_told_to_all_and_leaves_nothing_open) {
  constexpr std::size_t kRanks = 4;
  constexpr int kKills = 6;
  const std::string shapes[] = {"0,0,1,1", "0,1,1,0", "0,0,1,0"};
  const std::size_t descriptors = open_descriptors();
  std::mt19937 random(21);
  for (int kill = 0; kill < kKills; ++kill) {
    Board board(kRanks);
    const std::size_t victim = random() % kRanks;
    const std::string& nodes = shapes[random() % std::size(shapes)];
    RankProcesses ranks(kRanks, [&](std::size_t me) {
      WiredRank rank = rank_on(board, me, nodes);
      reach_all(rank, me, kRanks);
      meet_polling(board, rank);
      board.tick();
      const Rank dead(static_cast<std::uint32_t>(victim));
      put_until_failure(rank, me, dead, kRanks);
      EXPECT_TRUE(rank.transport().peer_failed(dead));
      EXPECT_EQ(rank.transport().failure()->rank, dead);
      board.tick();
      board.wait_for_ticks(2 * kRanks - 1);
    });
    board.wait_for_ticks(kRanks);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20000));
    ranks.kill(victim);
    EXPECT_TRUE(ranks.all_end_well())
        << "kill " << kill << " of rank " << victim << " on " << nodes;
  }
  EXPECT_EQ(open_descriptors(), descriptors);
}

}  // namespace

}  // namespace rlx::test
