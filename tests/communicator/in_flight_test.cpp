// Several calls in flight, on one and on several communicators; plans and streams.

#include <atomic>
#include <chrono>
#include <thread>

#include "rlx/command_stream.hpp"
#include "support.hpp"

namespace rlx::test {
namespace {

TEST(InFlight, waits_may_come_in_another_order_on_each_rank) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    std::vector<std::vector<int>> data(4, std::vector<int>(5000, 1));
    for (int round = 0; round < 50; ++round) {
      std::vector<Request> requests;
      for (auto& x : data) {
        std::fill(x.begin(), x.end(), 1);
        requests.push_back(all_reduce_async(comm, x, ReduceKind::Sum));
      }
      if (comm.rank() == Rank(0))
        for (auto& request : requests) request.wait();
      else
        for (auto it = requests.rbegin(); it != requests.rend(); ++it) it->wait();
      for (const auto& x : data) ASSERT_EQ(x, std::vector<int>(5000, 2));
    }
  });
}

TEST(InFlight, a_blocking_call_advances_what_other_communicators_have_in_flight) {
  launch_threads(3, options_with(), [](Communicator& comm) {
    Communicator other = comm.duplicate();
    for (int round = 0; round < 30; ++round) {
      std::vector<int> a(3000, 1), b(100, 2);
      Request first = all_reduce_async(comm, a, ReduceKind::Sum);
      if (comm.rank() == Rank(1)) first.wait();
      all_reduce(other, b, ReduceKind::Sum);
      first.wait();
      ASSERT_EQ(a, std::vector<int>(3000, 3));
      ASSERT_EQ(b, std::vector<int>(100, 6));
    }
  });
}

TEST(InFlight, more_calls_than_the_window_queue_without_blocking) {
  launch_threads(4, options_with("", 64 << 10, 1), [](Communicator& comm) {
    std::vector<std::vector<int>> data(40, std::vector<int>(10, 1));
    std::vector<Request> requests;
    for (auto& x : data) requests.push_back(all_reduce_async(comm, x, ReduceKind::Sum));
    while (!requests.back().test()) {
    }
    for (auto& request : requests) EXPECT_TRUE(request.test());
    for (const auto& x : data) EXPECT_EQ(x, std::vector<int>(10, 4));
  });
}

TEST(InFlight, a_plan_runs_again_and_again) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    auto x = comm.allocate<int>(1000);
    Plan plan = plan_all_reduce(comm, x, ReduceKind::Sum);
    for (int round = 0; round < 200; ++round) {
      std::fill(x.begin(), x.end(), round);
      plan.start();
      plan.wait();
      ASSERT_EQ(x[999], 2 * round);
    }
  });
}

TEST(InFlight, a_plan_runs_in_one_call_also_beside_others) {
  launch_threads(3, options_with(), [](Communicator& comm) {
    auto x = comm.allocate<int>(500);
    std::vector<int> beside(70, 0);
    Plan plan = plan_all_reduce(comm, x, ReduceKind::Sum);
    for (int round = 0; round < 100; ++round) {
      std::fill(x.begin(), x.end(), round);
      Request request =
          round % 2 == 0 ? Request() : all_reduce_async(comm, beside, ReduceKind::Max);
      plan.run();
      request.wait();
      ASSERT_EQ(x[499], 3 * round);
      ASSERT_TRUE(plan.test());
    }
  });
}

/// Blocking calls of the same arguments take the short way, as far as the others are there in time;
/// calls between them, of other arguments and other kinds, change nothing.
TEST(InFlight, calls_that_are_repeated_go_on_when_a_rank_is_late) {
  constexpr std::uint32_t kRanks = 3;
  launch_threads(kRanks, options_with("", 64 << 10, 4), [](Communicator& comm) {
    const int me = static_cast<int>(comm.rank().value());
    auto few = comm.allocate<int>(3);
    auto many = comm.allocate<int>(kRanks * 300);
    std::vector<int> own(5), all(kRanks);
    Plan plan = plan_reduce_scatter(comm, many, ReduceKind::Sum);
    for (int round = 0; round < 300; ++round) {
      if (round % 37 == 5 * me) std::this_thread::sleep_for(std::chrono::milliseconds(3));
      std::fill(few.begin(), few.end(), round + me);
      all_reduce(comm, few, ReduceKind::Sum);
      ASSERT_EQ(few[2], 3 * round + 3) << "round " << round;
      std::fill(many.begin(), many.end(), round);
      plan.run();
      ASSERT_EQ(many[static_cast<std::size_t>(me) * 300 + 299], 3 * round) << "round " << round;
      Request between;
      if (round % 5 == 0) between = all_reduce_async(comm, own, ReduceKind::Max);
      all_gather(comm, std::vector<int>{round * me}, all);
      ASSERT_EQ(all[2], 2 * round) << "round " << round;
      between.wait();
    }
  });
}

TEST(InFlight, an_empty_plan_says_so) {
  Plan none;
  EXPECT_THROW(none.run(), CollectiveError);
  EXPECT_THROW(none.start(), CollectiveError);
}

TEST(InFlight, a_plan_whose_input_and_output_overlap_runs) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    std::vector<int> memory(110, 0);
    const std::span<const int> in(memory.data() + 10, 100);
    Plan plan = plan_all_reduce(comm, in, std::span<int>(memory.data(), 100), ReduceKind::Sum);
    for (int round = 1; round < 4; ++round) {
      std::fill(memory.begin(), memory.end(), round);
      plan.run();
      ASSERT_EQ(memory[0], 2 * round);
      ASSERT_EQ(memory[99], 2 * round);
      ASSERT_EQ(memory[105], round);
    }
  });
}

TEST(InFlight, a_stream_orders_a_collective_among_its_work) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    std::vector<int> x(100, 1);
    SyncStream stream;
    all_reduce(comm, x, ReduceKind::Sum, stream);
    stream.wait();
    EXPECT_EQ(x, std::vector<int>(100, 2));
  });
}

/// Whether a long call ends while its ranks sleep, and nobody polls but what the options start.
bool ends_while_ranks_sleep(const CommunicatorOptions& options) {
  std::atomic<int> ended{0};
  launch_threads(2, options, [&](Communicator& comm) {
    auto data = comm.allocate<float>(300000);
    std::fill(data.begin(), data.end(), 1.0F);
    Request request = all_reduce_async(comm, data, ReduceKind::Sum);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    if (request.test()) ++ended;  // one look does not end a call of many pieces
    request.wait();
    EXPECT_EQ(data[299999], 2.0F);
  });
  return ended == 2;
}

TEST(InFlight, a_progress_thread_completes_calls_while_ranks_are_elsewhere) {
  CommunicatorOptions options = options_with("ring");
  options.config.helper = false;
  EXPECT_FALSE(ends_while_ranks_sleep(options));
  options.config.progress = "on";
  EXPECT_TRUE(ends_while_ranks_sleep(options));
}

TEST(InFlight, the_helper_completes_calls_while_a_rank_is_elsewhere) {
  std::atomic<bool> through{false};
  launch_threads(2, options_with(), [&](Communicator& comm) {
    std::vector<int> x(200000, 1);
    Request request = all_reduce_async(comm, x, ReduceKind::Sum);
    if (comm.rank() == Rank(0)) {
      request.wait();
      through = true;
    } else {
      // Elsewhere: no rlx call until rank 0, which needs this rank's share, is through.
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
      while (!through && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
      EXPECT_TRUE(through) << "nobody advanced the call of the rank that was elsewhere";
    }
    request.wait();
    EXPECT_EQ(x[0], 2);
  });
}

}  // namespace
}  // namespace rlx::test
