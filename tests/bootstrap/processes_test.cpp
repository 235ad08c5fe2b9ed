#include "lib/bootstrap/processes.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "lib/bootstrap/rendezvous.hpp"
#include "tests/bootstrap/ranks.hpp"

namespace rlx::bootstrap {
namespace {

constexpr double kGrace = 60;

TEST(RunForked, gives_exit_codes_in_rank_order) {
  const auto codes =
      run_forked(5, kGrace, [](std::size_t rank) { return static_cast<int>(rank) * 3; });
  EXPECT_EQ(codes, (std::vector<int>{0, 3, 6, 9, 12}));
}

TEST(RunForked, a_signal_counts_as_128_plus_its_number) {
  const auto codes = run_forked(3, kGrace, [](std::size_t rank) {
    if (rank == 1) raise(SIGKILL);
    return 7;
  });
  EXPECT_EQ(codes, (std::vector<int>{7, 128 + SIGKILL, 7}));
}

TEST(RunForked, an_exception_gives_exit_code_1) {
  const auto codes = run_forked(2, kGrace, [](std::size_t rank) -> int {
    if (rank == 1) throw std::runtime_error("thrown on purpose by this test");
    return 0;
  });
  EXPECT_EQ(codes, (std::vector<int>{0, 1}));
}

TEST(RunForked, survivors_of_a_death_get_their_time_and_then_sigkill) {
  const auto start = Deadline::Clock::now();
  const auto codes = run_forked(3, 0.3, [](std::size_t rank) {
    if (rank == 0) raise(SIGKILL);
    if (rank == 2) pause();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return 5;
  });
  EXPECT_EQ(codes, (std::vector<int>{128 + SIGKILL, 5, 128 + SIGKILL}));
  EXPECT_LT(Deadline::Clock::now() - start, std::chrono::seconds(20));
}

TEST(RunForked, passes_interrupt_and_terminate_on_to_every_child) {
  for (const int number : {SIGINT, SIGTERM}) {
    const pid_t parent = getpid();
    // libfabric's shm provider installs handlers of its own when it is loaded, which end in
    // exit(1).
    signal(number, SIG_DFL);
    const auto codes = run_forked(3, kGrace, [&](std::size_t rank) -> int {
      if (rank == 0) kill(parent, number);
      while (true) pause();
    });
    EXPECT_EQ(codes, std::vector<int>(3, 128 + number));
  }
}

TEST(RunForked, children_meet_over_a_listener_made_before_them) {
  FileDescriptor listener = listen_on({"127.0.0.1", "0"});
  const std::string address = "127.0.0.1:" + std::to_string(port_of(listener));
  const auto codes = run_forked(4, kGrace, [&](std::size_t index) {
    const Rank rank(static_cast<std::uint32_t>(index));
    const auto mine = index == 0 ? rendezvous_over(std::move(listener), 4, 30)
                                 : rendezvous_bootstrap(address, rank, 4, 30);
    return testing::gathers_in_rank_order(*mine, 1000, 1) ? 0 : 2;
  });
  EXPECT_EQ(codes, std::vector<int>(4, 0));
}

TEST(RunForked, the_peers_of_a_killed_child_name_it) {
  FileDescriptor listener = listen_on({"127.0.0.1", "0"});
  const std::string address = "127.0.0.1:" + std::to_string(port_of(listener));
  const auto codes = run_forked(3, kGrace, [&](std::size_t index) {
    const Rank rank(static_cast<std::uint32_t>(index));
    const auto mine = index == 0 ? rendezvous_over(std::move(listener), 3, 30)
                                 : rendezvous_bootstrap(address, rank, 3, 30);
    if (index == 2) raise(SIGKILL);
    try {
      mine->barrier();
    } catch (const CollectiveError& error) {
      return testing::names(error, 2) ? 3 : 4;
    }
    return 0;
  });
  EXPECT_EQ(codes, (std::vector<int>{3, 3, 128 + SIGKILL}));
}

TEST(RunForked, an_ignored_sigchld_does_not_hide_the_codes_and_stays_ignored) {
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  struct sigaction before {};
  sigaction(SIGCHLD, &ignored, &before);
  EXPECT_EQ(run_forked(2, kGrace, [](std::size_t) { return 4; }), (std::vector<int>{4, 4}));
  struct sigaction after {};
  sigaction(SIGCHLD, &before, &after);
  EXPECT_EQ(after.sa_handler, SIG_IGN);
}

}  // namespace
}  // namespace rlx::bootstrap
