// Scratch that moves on from member to member: calls of all lengths and collectives back to back,
// with and without, so that a slot is another's in one epoch and its owner's in the next.

#include <chrono>
#include <cstring>
#include <numeric>
#include <random>
#include <thread>

#include "lib/communicator/communicator_state.hpp"
#include "support.hpp"

namespace rlx::test {
namespace {

using Input = std::vector<std::int64_t>;

/// Values that tell rank, call and place.
Input numbered(std::uint32_t rank, int call, std::size_t count) {
  Input values(count);
  std::iota(values.begin(), values.end(), std::int64_t{1000003} * call + 7919 * rank);
  return values;
}

struct Drawn {
  int collective = 0;
  std::size_t count = 0;
  bool rotated = false;
  bool slow = false;
};

/// The same on all ranks.
Drawn draw(std::mt19937& random) {
  const auto below = [&random](std::uint32_t n) { return random() % n; };
  return {static_cast<int>(below(3)), below(1u << below(13)), below(3) > 0, below(40) == 0};
}

void check(Communicator& comm, const Drawn& drawn, int call) {
  const auto ranks = static_cast<std::uint32_t>(comm.size());
  const std::uint32_t me = comm.rank().value();
  const std::size_t blocks = drawn.collective == 2 ? ranks : 1;
  const Input mine = numbered(me, call, drawn.count * blocks);
  Input expected(drawn.collective == 1 ? drawn.count * ranks : drawn.count);
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    const Input theirs = numbered(rank, call, drawn.count * blocks);
    for (std::size_t i = 0; i < drawn.count; ++i) {
      if (drawn.collective == 1)
        expected[rank * drawn.count + i] = theirs[i];
      else
        expected[i] += theirs[(blocks > 1 ? me * drawn.count : 0) + i];
    }
  }
  Input result(expected.size(), -1);
  if (drawn.collective == 0) all_reduce(comm, mine, result, ReduceKind::Sum);
  if (drawn.collective == 1) all_gather(comm, mine, result);
  if (drawn.collective == 2) reduce_scatter(comm, mine, result, ReduceKind::Sum);
  ASSERT_EQ(result, expected) << "call " << call << ", collective " << drawn.collective << ", "
                              << drawn.count << " elements";
}

class RotatedScratch
    : public testing::TestWithParam<std::tuple<std::size_t, const char*, std::uint32_t>> {};

TEST_P(RotatedScratch, is_right_whatever_follows_what) {
  const auto [ranks, algorithm, window] = GetParam();
  launch_threads(ranks, options_with(algorithm, 64 << 10, window), [](Communicator& comm) {
    std::mt19937 random(7);
    std::mt19937 mine(comm.rank().value());
    for (int call = 0; call < 400; ++call) {
      const Drawn drawn = draw(random);
      const auto rotation = drawn.rotated ? detail::Rotation::on : detail::Rotation::off;
      comm.state().force({.rotation = rotation});
      if (drawn.slow && mine() % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      check(comm, drawn, call);
      if (testing::Test::HasFatalFailure()) return;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(
    Ranks, RotatedScratch,
    testing::Combine(
        testing::Values<std::size_t>(1, 2, 3, 4, 5),
        testing::Values("", "all_reduce=slots,all_gather=slots,reduce_scatter=exchange",
                        "all_reduce=two_shot_slots,all_gather=bruck,reduce_scatter=ring",
                        "circulant"),
        testing::Values(1u, 3u)));

TEST(RotatedScratch, lies_with_another_member_each_time_its_set_comes_round) {
  launch_threads(2, options_with("all_reduce=slots", 64 << 10, 2), [](Communicator& comm) {
    comm.state().force({.rotation = detail::Rotation::on});
    const detail::EngineSetup& setup = comm.state().engine().setup();
    const auto first_of_slot = [&](std::uint32_t member, std::uint64_t epoch) {
      std::int64_t value = 0;
      std::memcpy(&value, setup.peers[member].scratch + epoch % setup.sets * setup.slot_bytes,
                  sizeof value);
      return value;
    };
    for (int round = 0; round < 3 * 4; ++round) {
      Input x(100, 2 * round + comm.rank().value());
      const std::uint64_t epoch = comm.state().engine().started();
      all_reduce(comm, x, ReduceKind::Sum);
      const std::uint32_t turn = epoch / setup.sets % 2;
      // Nobody writes there again before D further calls of mine.
      EXPECT_EQ(first_of_slot((comm.rank().value() + turn) % 2, epoch),
                2 * round + static_cast<std::int64_t>(comm.rank().value()));
    }
  });
}

}  // namespace
}  // namespace rlx::test
