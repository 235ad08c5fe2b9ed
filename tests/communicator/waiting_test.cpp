// When waiting ranks stop yielding and sleep instead.

#include "lib/communicator/waiting.hpp"

#include <gtest/gtest.h>

namespace rlx::detail {
namespace {

using namespace std::chrono_literals;

constexpr CrowdedCores::Clock::time_point kBegin{1h};

TEST(CrowdedCores, are_expected_after_two_long_yields_and_twice_as_long_after_each_more) {
  CrowdedCores cores;
  auto now = kBegin;
  cores.yielded(now, now + 4ms);
  EXPECT_FALSE(cores.expected(now + 4ms));
  now += 10ms;
  for (const std::chrono::microseconds expected :
       {100us, 200us, 400us, 800us, 1600us, 3200us, 6400us, 12800us, 25600us, 50000us, 50000us}) {
    cores.yielded(now, now + 4ms);
    now += 4ms;
    EXPECT_TRUE(cores.expected(now + expected - 1us)) << expected.count();
    EXPECT_FALSE(cores.expected(now + expected + 1us)) << expected.count();
    now += expected;
  }
}

TEST(CrowdedCores, are_not_expected_once_a_yield_came_back_soon) {
  CrowdedCores cores;
  auto now = kBegin;
  for (int i = 0; i < 6; ++i, now += 10ms) cores.yielded(now, now + 4ms);
  cores.yielded(now, now + 500us);
  cores.yielded(now + 1ms, now + 5ms);
  EXPECT_FALSE(cores.expected(now + 5ms));
  cores.yielded(now + 5ms, now + 9ms);
  EXPECT_TRUE(cores.expected(now + 9ms));
  EXPECT_FALSE(cores.expected(now + 10ms));
}

TEST(CrowdedCores, are_shared_for_a_while_after_a_yield_that_let_somebody_run_who_then_waited) {
  CrowdedCores cores;
  cores.yielded(kBegin, kBegin + 1us);
  EXPECT_FALSE(cores.shared(kBegin + 2us));
  cores.yielded(kBegin, kBegin + 4ms);
  EXPECT_FALSE(cores.shared(kBegin + 5ms));
  cores.yielded(kBegin, kBegin + 9us);
  EXPECT_TRUE(cores.shared(kBegin + 10us));
  EXPECT_FALSE(cores.shared(kBegin + 60ms));
}

TEST(Backoff, sleeps_instead_of_yielding_while_cores_are_crowded) {
  CrowdedCores cores;
  const auto now = CrowdedCores::Clock::now();
  cores.yielded(now - 20ms, now - 11ms);
  cores.yielded(now - 10ms, now + 1h);
  Backoff backoff(Spin::never, cores);
  const auto begin = CrowdedCores::Clock::now();
  for (int i = 0; i < 20; ++i) backoff.pause();
  EXPECT_GE(CrowdedCores::Clock::now() - begin, 20 * 4us);
}

}  // namespace
}  // namespace rlx::detail
