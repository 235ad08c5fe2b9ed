// What is the shared-memory transport's own: windows, keys, leaving, dying, and what stays behind.

#include "transports/shm/shm_transport.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <random>
#include <string>
#include <thread>

#include "tests/transports/shm/rank_processes.hpp"
#include "tests/transports/transport_suite.hpp"

namespace rlx::test {

namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr double kWithinMs = 1000;

/// Files below `folder` that this process has mapped.
std::size_t mapped_files(const std::string& folder) {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find(folder) != line.npos;
  return count;
}

TEST(ShmTransport, a_single_rank_works) {
  Board board(1);
  ShmRank rank(board, 0);
  std::uint64_t number = 77;
  const LocalRef from{reinterpret_cast<std::byte*>(&number), sizeof number, 0};
  Completion completion;
  EXPECT_EQ(rank.transport().put_signal(0, {Rank(0), rank.heap_window(), 8}, from, {Rank(0), 3, 5},
                                        completion),
            Issue::done);
  EXPECT_EQ(rank.signals().word(3).load(), 5U);
  EXPECT_TRUE(completion.drained());
}

TEST(ShmTransport, maps_every_peers_windows_for_loads_and_stores) {
  Board board(3);
  RankProcesses ranks(3, [&](std::size_t me) {
    ShmRank rank(board, me);
    const auto& offered = rank.transport().capabilities();
    EXPECT_EQ(offered.protocol, SignalProtocol::store);
    EXPECT_EQ(offered.load_store, std::vector<bool>(3, true));
    EXPECT_THAT(offered.detail, AllOf(HasSubstr("3 ranks"), HasSubstr("huge pages")));
    for (std::uint32_t peer = 0; peer < 3; ++peer) {
      std::byte* const mapped = rank.transport().mapped(Rank(peer), rank.heap_window());
      ASSERT_NE(mapped, nullptr);
      EXPECT_EQ(mapped == rank.heap().data(), peer == me);
      mapped[me] = static_cast<std::byte>(10 + me);
    }
    board.meet();
    for (std::size_t peer = 0; peer < 3; ++peer)
      EXPECT_EQ(rank.heap()[peer], static_cast<std::byte>(10 + peer));
    board.meet();
  });
  EXPECT_TRUE(ranks.all_end_well());
}

// What has no name can not be left behind.
TEST(ShmTransport, shares_memory_that_no_file_system_names) {
  Board board(2);
  RankProcesses ranks(2, [&](std::size_t me) {
    const std::size_t before = mapped_files("/dev/shm/");
    const ShmRank rank(board, me);
    EXPECT_GE(mapped_files("/memfd:rlx (deleted)"), 4U) << "two windows of each rank";
    EXPECT_EQ(mapped_files("/dev/shm/"), before);
    board.meet();
  });
  EXPECT_TRUE(ranks.all_end_well());
}

// Nothing is sent when memory is attached, so nobody has to be there to receive it.
TEST(ShmTransport, windows_are_admitted_in_any_order_and_any_number_of_times) {
  constexpr std::size_t kWindows = 6;
  Board board(2);
  RankProcesses ranks(2, [&](std::size_t me) {
    ShmRank rank(board, me);
    const Rank peer(static_cast<std::uint32_t>(1 - me));
    std::vector<Pages> memory;
    std::vector<Window> theirs;
    for (std::size_t i = 0; i < kWindows; ++i) {
      memory.emplace_back((i + 1) * Pages::kPage);
      memory.back().all()[i] = static_cast<std::byte>(100 * me + i);
      theirs.push_back(rank.announce(memory.back().all(), WindowRole::user)[peer.index()]);
    }
    if (me == 0) std::ranges::reverse(theirs);
    for (const Window& window : theirs)
      EXPECT_TRUE(rank.transport().admit(peer, window.number, window.key));
    std::byte* const first = rank.transport().mapped(peer, theirs[0].number);
    for (const Window& window : theirs)
      EXPECT_TRUE(rank.transport().admit(peer, window.number, window.key));
    EXPECT_EQ(rank.transport().mapped(peer, theirs[0].number), first) << "it stays where it is";
    for (const Window& window : theirs) {
      const std::size_t i = rank.transport().window_bytes(peer, window.number) / Pages::kPage - 1;
      EXPECT_EQ(rank.transport().mapped(peer, window.number)[i],
                static_cast<std::byte>(100 * peer.index() + i));
    }
    board.meet();
  });
  EXPECT_TRUE(ranks.all_end_well());
}

TEST(ShmTransport, a_key_of_somebody_else_is_not_admitted) {
  Board board(2);
  RankProcesses ranks(2, [&](std::size_t me) {
    ShmRank rank(board, me);
    const Rank peer(static_cast<std::uint32_t>(1 - me));
    Pages memory(Pages::kPage);
    const auto windows = rank.announce(memory.all(), WindowRole::user);
    EXPECT_FALSE(rank.transport().admit(peer, windows[me].number, windows[me].key));
    EXPECT_EQ(rank.transport().failure()->kind, ErrorKind::Transport);
    EXPECT_THAT(rank.transport().failure()->message, HasSubstr("not made by rank"));
    WindowKey beyond = windows[peer.index()].key;
    beyond.bytes[23] = std::byte{0x7f};  // the length's last byte
    EXPECT_FALSE(rank.transport().admit(peer, windows[peer.index()].number, beyond));
    board.meet();
  });
  EXPECT_TRUE(ranks.all_end_well());
}

TEST(ShmTransport, operations_beyond_a_window_fail_and_the_first_cause_stays) {
  Board board(1);
  ShmRank rank(board, 0);
  Completion completion;
  std::byte source[8] = {};
  const RemoteRef beyond{Rank(0), rank.heap_window(), kRankHeapBytes - 4};
  EXPECT_EQ(rank.transport().put(0, beyond, {source, 8, 0}, completion), Issue::failed);
  EXPECT_EQ(rank.transport().get(0, {source, 8, 0}, beyond, completion), Issue::failed);
  EXPECT_EQ(rank.transport().put_signal(0, beyond, {source, 8, 0}, {Rank(0), 1, 5}, completion),
            Issue::failed);
  EXPECT_EQ(rank.transport().signal(0, {Rank(0), 1U << 20, 1}, completion), Issue::failed);
  EXPECT_EQ(rank.signals().word(1).load(), 0U);
  EXPECT_EQ(completion.issued.load(), 0U);
  EXPECT_THAT(rank.transport().failure()->message, testing::StartsWith("put"));
  EXPECT_FALSE(rank.transport().peer_failed(Rank(0)));
}

TEST(ShmTransport, memory_that_can_not_be_had_is_out_of_memory_and_not_the_end) {
  Board board(1);
  std::size_t room = ~std::size_t{0};
  ShmRank rank(board, 0, {.room = [&room] { return room; }});
  room = Pages::kPage;
  Pages memory(8 * Pages::kPage);
  EXPECT_EQ(rank.transport().attach(memory.all(), WindowRole::heap), std::nullopt);
  ASSERT_TRUE(rank.transport().failure());
  EXPECT_EQ(rank.transport().failure()->kind, ErrorKind::OutOfMemory);
  EXPECT_THAT(rank.transport().failure()->message, HasSubstr("32768 bytes"));
  memory.all()[0] = std::byte{1};  // no signal
}

TEST(ShmTransport, odd_memory_and_a_second_signal_region_are_refused) {
  Board board(1);
  ShmRank rank(board, 0);
  Pages memory(8 * Pages::kPage);
  EXPECT_EQ(rank.transport().attach(memory.all(), WindowRole::signals), std::nullopt);
  EXPECT_THAT(rank.transport().failure()->message, HasSubstr("signal region"));
  EXPECT_EQ(rank.transport().attach(memory.all().subspan(8, 4096), WindowRole::user), std::nullopt);
}

TEST(ShmTransport, a_rank_that_leaves_by_itself_has_not_died_and_its_memory_stays) {
  Board board(3);
  RankProcesses ranks(3, [&](std::size_t me) {
    ShmRank rank(board, me);
    board.meet();
    if (me == 2) return rank.close();
    EXPECT_LT(rank.poll_until_failure(300), 0) << rank.transport().failure()->message;
    EXPECT_FALSE(rank.transport().peer_failed(Rank(2)));
    Completion completion;
    EXPECT_EQ(rank.transport().put(0, {Rank(2), rank.heap_window(), 0},
                                   {rank.heap().data(), 4096, rank.heap_window()}, completion),
              Issue::done);
  });
  EXPECT_TRUE(ranks.all_end_well());
}

TEST(ShmTransport, a_process_that_ends_without_leaving_has_died) {
  Board board(3);
  RankProcesses ranks(3, [&](std::size_t me) {
    ShmRank rank(board, me);
    board.meet();
    if (me == 1) ::_exit(0);
    const double ms = rank.poll_until_failure(10 * kWithinMs);
    EXPECT_GE(ms, 0) << "it was never found";
    EXPECT_LT(ms, kWithinMs);
    const auto failure = rank.transport().failure();
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->kind, ErrorKind::PeerFailed);
    EXPECT_EQ(failure->rank, Rank(1));
    EXPECT_THAT(failure->message, AllOf(HasSubstr("rank 1"), HasSubstr("process ")));
    EXPECT_TRUE(rank.transport().peer_failed(Rank(1)));
    const Rank other(me == 0 ? 2 : 0);
    EXPECT_FALSE(rank.transport().peer_failed(other));
    Completion completion;  // who waits for nothing of the dead goes on
    EXPECT_EQ(rank.transport().signal(0, {other, 2, 1}, completion), Issue::done);
    EXPECT_EQ(rank.transport().signal(0, {Rank(1), 2, 1}, completion), Issue::done);
    board.tick();
    board.wait_for_ticks(2);  // so that neither leaves before the other has looked
  });
  EXPECT_TRUE(ranks.all_end_well());
}

// Its connections live on in a child of the user's program; the process does not.
TEST(ShmTransport, a_death_is_found_while_a_child_that_the_rank_forked_lives) {
  Board board(2);
  int hold[2];
  ASSERT_EQ(::pipe(hold), 0);
  RankProcesses ranks(2, [&](std::size_t me) {
    ::close(hold[1]);
    ShmRank rank(board, me);
    if (me == 1 && ::fork() == 0) {
      board.tick();
      char byte = 0;
      ::_exit(static_cast<int>(::read(hold[0], &byte, 1)));  // until the test ends
    }
    if (me == 1) ::pause();
    EXPECT_GE(rank.poll_until_failure(10 * kWithinMs), 0);
    EXPECT_TRUE(rank.transport().peer_failed(Rank(1)));
  });
  ::close(hold[0]);
  board.wait_for_ticks(1);
  ranks.kill(1);
  EXPECT_TRUE(ranks.all_end_well());
  ::close(hold[1]);
}

TEST(ShmTransport, a_forked_child_that_destroys_its_copy_leaves_nobody) {
  Board board(2);
  RankProcesses ranks(2, [&](std::size_t me) {
    auto rank = std::make_unique<ShmRank>(board, me);
    board.meet();
    if (me == 1) {
      RankProcesses child(1, [&](std::size_t) { rank.reset(); });
      EXPECT_TRUE(child.all_end_well());
      board.meet();
      // And this is a death, though the child has closed everything.
      ::_exit(testing::Test::HasFailure() ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    EXPECT_LT(rank->poll_until_failure(100), 0);
    board.meet();
    EXPECT_GE(rank->poll_until_failure(10 * kWithinMs), 0);
  });
  EXPECT_TRUE(ranks.all_end_well());
}

void put_until_failure(ShmRank& rank, std::size_t me, std::size_t ranks) {
  Completion completion;
  std::uint64_t value = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!rank.transport().has_failed()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the death was never found";
    const Rank to(static_cast<std::uint32_t>((me + 1 + value % (ranks - 1)) % ranks));
    ++value;
    ASSERT_EQ(rank.transport().put_signal(0, {to, rank.heap_window(), 0},
                                          {rank.heap().data(), value % kRankHeapBytes, 1},
                                          {to, static_cast<std::uint32_t>(me), value}, completion),
              Issue::done);
    rank.transport().progress();
  }
}

TEST(ShmTransport, a_kill_at_any_moment_is_told_to_all_and_leaves_nothing_open) {
  constexpr std::size_t kRanks = 4;
  constexpr int kKills = 25;
  const std::size_t descriptors = open_descriptors();
  std::mt19937 random(20);
  for (int kill = 0; kill < kKills; ++kill) {
    Board board(kRanks);
    const std::size_t victim = random() % kRanks;
    RankProcesses ranks(kRanks, [&](std::size_t me) {
      ShmRank rank(board, me);
      board.tick();
      put_until_failure(rank, me, kRanks);
      EXPECT_TRUE(rank.transport().peer_failed(Rank(static_cast<std::uint32_t>(victim))));
      EXPECT_EQ(rank.transport().failure()->rank, Rank(static_cast<std::uint32_t>(victim)));
      board.tick();
      board.wait_for_ticks(2 * kRanks - 1);  // nobody goes before all have been told
    });
    board.wait_for_ticks(kRanks);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20000));
    ranks.kill(victim);
    EXPECT_TRUE(ranks.all_end_well()) << "kill " << kill << " of rank " << victim;
  }
  EXPECT_EQ(open_descriptors(), descriptors);
}

}  // namespace

}  // namespace rlx::test
