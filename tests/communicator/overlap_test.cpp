// Counted overlap: how long a ring of many pieces takes when a message costs nothing but latency.
//
// The faulty transport delivers every put one millisecond after it was issued, however many are on
// their way. A ring all_reduce of p ranks is a chain of 2(p - 1) puts, so a piece alone takes
// 2(p - 1) ms. W pieces are in flight together, and the next W start when they are done: m pieces
// take ceil(m / W) x 2(p - 1) ms. Here p = 4 and m = 16:
//
//   W = 4: ceil(16 / 4) x 6 ms = 24 ms, with a tolerance of 1.3 at most 31.2 ms
//   W = 1: ceil(16 / 1) x 6 ms = 96 ms, and never less, because a put can not be early
//
// A machine that does other work as well only adds time, so a few measurements are made and one
// within the bound is enough; this program runs alone among the tests.

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "support.hpp"
#include "transports/faulty/faulty_transport.hpp"

namespace rlx::test {
namespace {

constexpr std::uint32_t kRanks = 4;
constexpr std::uint32_t kPieces = 16;
constexpr std::size_t kSlotBytes = std::size_t{6} << 10;   // a chunk from each of the three others
constexpr std::size_t kPieceBytes = std::size_t{8} << 10;  // moving this much takes a microsecond
constexpr std::size_t kCount = kPieces * kPieceBytes / sizeof(float);
constexpr double kTolerance = 1.3;
constexpr int kRuns = 5;
constexpr int kMeasurements = 10;

constexpr double ideal_ms(std::uint32_t window) {
  return (kPieces + window - 1) / window * 2.0 * (kRanks - 1);
}

CommunicatorOptions delayed(std::uint32_t window) {
  CommunicatorOptions options = options_with("ring", kSlotBytes, window);
  options.decorate = [](std::unique_ptr<SymmetricTransport> inner) {
    return make_faulty(std::move(inner), "delay=1ms");
  };
  return options;
}

double timed_run_ms(Communicator& comm, Plan& plan) {
  comm.barrier();
  const auto begin = std::chrono::steady_clock::now();
  plan.start();
  plan.wait();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

/// One rank's part: each run's time, with the result checked.
std::array<double, kRuns> runs_ms(Communicator& comm) {
  auto x = comm.allocate<float>(kCount);
  Plan plan = plan_all_reduce(comm, x, ReduceKind::Sum);
  EXPECT_EQ(plan.algorithm(), "ring");
  EXPECT_EQ(plan.pieces(), kPieces);
  std::array<double, kRuns> times{};
  for (double& time : times) {
    for (std::size_t i = 0; i < kCount; ++i) x[i] = element<float>(comm.rank().value(), i);
    time = timed_run_ms(comm, plan);
    for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(x[i], sum_of(kRanks, i)) << i;
  }
  return times;
}

/// The median over the runs of the slowest rank's time.
double median_ms(std::uint32_t window) {
  std::array<std::array<double, kRuns>, kRanks> times{};
  launch_threads(kRanks, delayed(window),
                 [&](Communicator& comm) { times[comm.rank().index()] = runs_ms(comm); });
  std::array<double, kRuns> slowest{};
  for (const auto& rank : times)
    for (int run = 0; run < kRuns; ++run) slowest[run] = std::max(slowest[run], rank[run]);
  std::sort(slowest.begin(), slowest.end());
  return slowest[kRuns / 2];
}

TEST(Overlap, a_ring_of_many_pieces_takes_the_rounds_of_its_windows) {
  constexpr std::uint32_t kWindow = 4;
  const double bound = kTolerance * ideal_ms(kWindow);
  double best = median_ms(kWindow);
  for (int i = 1; i < kMeasurements && best > bound; ++i) best = std::min(best, median_ms(kWindow));
  EXPECT_LE(best, bound) << kPieces << " pieces, window " << kWindow << ", " << kRanks << " ranks";
  EXPECT_GE(best, ideal_ms(kWindow)) << "faster than the latency permits: is there a delay?";
}

TEST(Overlap, without_a_window_every_piece_waits_for_the_one_before) {
  const double alone = median_ms(1);
  EXPECT_GE(alone, ideal_ms(1));
  EXPECT_GT(alone, kTolerance * ideal_ms(4));  // what a window of 4 stays below
}

/// The shortest of some all_reduces of 8 bytes by this algorithm, or by the tuner's choice.
double shortest_of_8_bytes_ms(std::uint32_t ranks, const std::string& algorithm) {
  CommunicatorOptions options = delayed(4);
  options.config.algorithm = algorithm;
  double shortest = 1e9;
  launch_threads(ranks, options, [&](Communicator& comm) {
    auto x = comm.allocate<float>(2);
    Plan plan = plan_all_reduce(comm, x, ReduceKind::Sum);
    for (int run = 0; run < kRuns * kMeasurements; ++run) {
      x[0] = x[1] = 1;
      double ms = timed_run_ms(comm, plan);
      EXPECT_EQ(x[1], static_cast<float>(ranks));
      std::array<double, 1> slowest{ms};
      all_reduce(comm, slowest, ReduceKind::Max);
      if (comm.rank() == Rank(0)) shortest = std::min(shortest, slowest[0]);
    }
  });
  return shortest;
}

// A hop takes a millisecond. Ranks start within less than one of each other after their barrier.
TEST(Hops, of_a_few_bytes_are_one_for_two_ranks_and_the_rounds_that_algorithms_declare) {
  EXPECT_LT(shortest_of_8_bytes_ms(2, ""), 1.9);
  EXPECT_GE(shortest_of_8_bytes_ms(2, ""), 1.0);
  EXPECT_GE(shortest_of_8_bytes_ms(2, "all_reduce=circulant"), 2.0);
  EXPECT_LT(shortest_of_8_bytes_ms(4, "all_reduce=k_ary_line"), 1.9);
  EXPECT_GE(shortest_of_8_bytes_ms(4, "all_reduce=doubling_line"), 2.0);
}

}  // namespace
}  // namespace rlx::test
