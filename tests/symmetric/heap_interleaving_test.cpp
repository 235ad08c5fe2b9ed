// Agreements of two communicators over the same two processes, step by step in a fixed order. These
// orders fail without the reservations of votes, or without the pass.

#include <gtest/gtest.h>

#include <latch>
#include <optional>
#include <thread>
#include <utility>

#include "rlx/error.hpp"
#include "tests/symmetric/heap_team.hpp"

namespace rlx {

namespace {

constexpr std::size_t kBlock = 4096;

// Runs threads one at a time: each from one vote to the next, in a fixed cyclic order that skips
// those whose agreement waits for others.
class Stepper {
 public:
  struct Agreement {
    std::vector<std::size_t> members;  // threads
    std::size_t arrived = 0;
    std::uint64_t largest = 0;
  };

  Stepper(std::size_t threads, std::vector<std::vector<std::size_t>> agreements)
      : runnable_(threads, true), result_(threads, 0) {
    for (auto& members : agreements) agreements_.push_back({std::move(members)});
  }

  std::uint64_t agree(std::size_t thread, std::size_t agreement, std::uint64_t mine) {
    std::unique_lock lock(mutex_);
    Agreement& mine_too = agreements_[agreement];
    mine_too.largest = std::max(mine_too.largest, mine);
    runnable_[thread] = false;
    if (++mine_too.arrived == mine_too.members.size()) {
      for (const std::size_t member : mine_too.members) {
        runnable_[member] = true;
        result_[member] = mine_too.largest;
      }
      mine_too.arrived = 0;
      mine_too.largest = 0;
    }
    pass_turn(thread);
    turn_changed_.wait(lock, [&] { return turn_ == thread; });
    return result_[thread];
  }
  void wait_for_turn(std::size_t thread) {
    std::unique_lock lock(mutex_);
    turn_changed_.wait(lock, [&] { return turn_ == thread; });
  }
  void finish(std::size_t thread) {
    const std::lock_guard lock(mutex_);
    runnable_[thread] = false;
    pass_turn(thread);
  }

 private:
  void pass_turn(std::size_t from) {
    for (std::size_t step = 1; step <= runnable_.size(); ++step) {
      turn_ = (from + step) % runnable_.size();
      if (runnable_[turn_]) break;
    }
    turn_changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable turn_changed_;
  std::vector<bool> runnable_;
  std::vector<std::uint64_t> result_;
  std::vector<Agreement> agreements_;
  std::size_t turn_ = 0;
};

// One allocation by one member. The communicator's id is its index.
struct Member {
  std::size_t communicator;
  std::size_t process;
};

// The offset of each member, in the order of `order`, which is also the order of the steps.
std::vector<std::optional<std::uint64_t>> interleave(
    const std::vector<std::unique_ptr<SymmetricHeap>>& heaps, const std::vector<Member>& order) {
  std::vector<std::vector<std::size_t>> agreements(2);
  for (std::size_t i = 0; i < order.size(); ++i) agreements[order[i].communicator].push_back(i);
  Stepper stepper(order.size(), agreements);
  std::vector<std::optional<std::uint64_t>> offsets(order.size());
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < order.size(); ++i) {
    threads.emplace_back([&, i] {
      const std::size_t communicator = order[i].communicator;
      stepper.wait_for_turn(i);
      try {
        offsets[i] = heaps[order[i].process]->allocate(
            kBlock, 64, communicator,
            [&](std::uint64_t mine) { return stepper.agree(i, communicator, mine); });
      } catch (const CollectiveError&) {
        offsets[i].reset();
      }
      stepper.finish(i);
    });
  }
  threads.clear();
  return offsets;
}

std::vector<std::unique_ptr<SymmetricHeap>> two_heaps() {
  std::vector<std::unique_ptr<SymmetricHeap>> heaps;
  heaps.push_back(test::plain_heap(64 * kBlock));
  heaps.push_back(test::plain_heap(64 * kBlock));
  return heaps;
}

// Each agreement finds its own place taken by the other on one process, whichever it tries next:
// the two would raise each other to the end of the heap, if the larger id did not pass.
TEST(HeapInterleaving, two_agreements_do_not_chase_each_other_up_the_heap) {
  const auto heaps = two_heaps();
  const auto offsets = interleave(heaps, {{0, 0}, {1, 1}, {0, 1}, {1, 0}});
  for (const auto& offset : offsets) ASSERT_TRUE(offset.has_value()) << "ran out of memory";
  EXPECT_EQ(offsets[0], offsets[2]);
  EXPECT_EQ(offsets[1], offsets[3]);
  EXPECT_NE(offsets[0], offsets[1]);
  for (const auto& offset : offsets) EXPECT_LT(*offset, 4 * kBlock) << "near the start";
}

// Both vote for the same place before either is decided, on the same process.
TEST(HeapInterleaving, a_vote_holds_its_place_until_the_round_is_decided) {
  const auto heaps = two_heaps();
  const auto offsets = interleave(heaps, {{0, 0}, {1, 0}, {0, 1}, {1, 1}});
  for (const auto& offset : offsets) ASSERT_TRUE(offset.has_value()) << "ran out of memory";
  EXPECT_EQ(offsets[0], offsets[2]);
  EXPECT_EQ(offsets[1], offsets[3]);
  EXPECT_NE(offsets[0], offsets[1]);
  EXPECT_EQ(heaps[0]->allocated_bytes(), 2 * kBlock);
  EXPECT_EQ(heaps[1]->allocated_bytes(), 2 * kBlock);
}

// Every order of the four first steps ends well.
TEST(HeapInterleaving, every_order_of_two_agreements_gives_two_places) {
  std::vector<Member> order{{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  std::vector<std::size_t> places{0, 1, 2, 3};
  do {
    const auto heaps = two_heaps();
    std::vector<Member> steps;
    for (const std::size_t place : places) steps.push_back(order[place]);
    const auto offsets = interleave(heaps, steps);
    std::vector<std::optional<std::uint64_t>> of(2);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      ASSERT_TRUE(offsets[i].has_value());
      auto& agreed = of[steps[i].communicator];
      if (!agreed) agreed = offsets[i];
      EXPECT_EQ(agreed, offsets[i]);
    }
    EXPECT_NE(of[0], of[1]);
  } while (std::next_permutation(places.begin(), places.end()));
}

// One process serves both communicators by two threads, the other by one, larger id first: the
// larger one's passes must end although the smaller one's reservation stays.
TEST(HeapInterleaving, a_smaller_id_that_waits_for_this_very_agreement_is_not_waited_for) {
  const auto heaps = two_heaps();
  test::MaxBarrier small(2);
  test::MaxBarrier large(2);
  std::uint64_t offsets[4] = {};
  std::latch reserved(1);  // the smaller id holds its first vote on process 0
  {
    bool first_vote = true;
    std::jthread first([&] {
      offsets[0] = heaps[0]->allocate(kBlock, 64, 0, [&](std::uint64_t mine) {
        if (std::exchange(first_vote, false)) reserved.count_down();
        return small.agree(mine);
      });
    });
    reserved.wait();
    std::jthread second([&] { offsets[1] = heaps[0]->allocate(kBlock, 64, 1, large.function()); });
    offsets[3] = heaps[1]->allocate(kBlock, 64, 1, large.function());
    offsets[2] = heaps[1]->allocate(kBlock, 64, 0, small.function());
  }
  EXPECT_EQ(offsets[0], offsets[2]);
  EXPECT_EQ(offsets[1], offsets[3]);
  EXPECT_NE(offsets[0], offsets[1]);
}

}  // namespace

}  // namespace rlx
