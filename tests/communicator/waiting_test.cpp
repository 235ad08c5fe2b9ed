// When waiting ranks stop yielding and sleep instead.

#include "lib/communicator/waiting.hpp"

#include <gtest/gtest.h>

namespace rlx::detail {
namespace {

using namespace std::chrono_literals;

constexpr CrowdedCores::Clock::time_point kBegin{1h};

TEST(CrowdedCores, are_expected_for_a_while_after_two_long_yields) {
  CrowdedCores cores;
  EXPECT_FALSE(cores.expected(kBegin));
  cores.yielded(kBegin - 5ms, kBegin - 1ms);
  cores.yielded(kBegin, kBegin + 4ms);
  EXPECT_TRUE(cores.expected(kBegin + 5ms));
  EXPECT_TRUE(cores.expected(kBegin + 50ms));
  EXPECT_FALSE(cores.expected(kBegin + 60ms));
}

TEST(CrowdedCores, are_not_expected_after_one_long_yield_or_two_far_apart) {
  CrowdedCores cores;
  cores.yielded(kBegin, kBegin + 4ms);
  EXPECT_FALSE(cores.expected(kBegin + 5ms));
  cores.yielded(kBegin + 100ms, kBegin + 104ms);
  EXPECT_FALSE(cores.expected(kBegin + 105ms));
}

TEST(CrowdedCores, are_not_expected_where_yields_come_back_soon) {
  CrowdedCores cores;
  cores.yielded(kBegin, kBegin + 500us);
  EXPECT_FALSE(cores.expected(kBegin + 501us));
}

TEST(Backoff, sleeps_instead_of_yielding_while_cores_are_crowded) {
  CrowdedCores cores;
  const auto now = CrowdedCores::Clock::now();
  cores.yielded(now - 20ms, now - 11ms);
  cores.yielded(now - 10ms, now + 1h);
  Backoff backoff(Spin::never, cores);
  const auto begin = CrowdedCores::Clock::now();
  for (int i = 0; i < 20; ++i) backoff.pause();
  EXPECT_GE(CrowdedCores::Clock::now() - begin, 20 * 50us);
}

}  // namespace
}  // namespace rlx::detail
