// Rebuilding 64-bit signal values from 32 bits of completion data.

#include "transports/ofi/completion_data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace rlx::ofi {

namespace {

class CompletionData : public testing::Test {
 protected:
  explicit CompletionData(std::uint32_t lines = 2 * kLinesPerGroup)
      : memory_(SignalRegion::bytes(lines) / 8),
        region_(reinterpret_cast<std::byte*>(memory_.data()), lines),
        code_(SignalCode::for_lines(lines)) {
    signals_.attach(region_);
  }
  void open(std::uint64_t epoch) {
    for (std::uint32_t g = 0; g < region_.lines() / kLinesPerGroup; ++g)
      region_.expected(g).store(SignalValue::make(epoch, 0, 0));
  }
  bool receive(std::uint32_t word, std::uint64_t value) {
    return signals_.receive(code_.encode(word, value));
  }
  std::uint64_t word(std::uint32_t index) const { return region_.word(index).load(); }

  std::vector<std::uint64_t> memory_;
  SignalRegion region_;
  SignalCode code_;
  RemoteSignals signals_;
};

TEST_F(CompletionData, carries_part_and_the_whole_hash_where_words_are_few) {
  open(7);
  EXPECT_TRUE(receive(70, SignalValue::make(7, 1, 0xabc)));
  EXPECT_EQ(word(70), SignalValue::make(7, 1, 0xabc));
  EXPECT_EQ(code_.hash_bits, 12U);
}

TEST_F(CompletionData, carries_eight_bits_of_the_hash_where_words_are_many) {
  const SignalCode code = SignalCode::for_lines(kMaxLines);
  EXPECT_EQ(code.hash_bits, 8U);
  const std::uint32_t data = code.encode(kMaxLines - 1, SignalValue::make(1, 65, 0xabc));
  EXPECT_EQ(code.word(data), kMaxLines - 1);
  EXPECT_EQ(code.part(data), 1U);
  EXPECT_EQ(code.hash(data), 0xbcU);
}

TEST_F(CompletionData, stores_a_part_only_after_all_earlier_ones) {
  open(3);
  receive(5, SignalValue::make(3, 2, 9));
  receive(5, SignalValue::make(3, 4, 9));
  EXPECT_EQ(word(5), 0U);
  receive(5, SignalValue::make(3, 1, 9));
  EXPECT_EQ(word(5), SignalValue::make(3, 2, 9));
  receive(5, SignalValue::make(3, 3, 8));
  EXPECT_EQ(word(5), SignalValue::make(3, 4, 9));
}

TEST_F(CompletionData, starts_again_at_part_one_when_the_epoch_has_moved_on) {
  open(3);
  for (std::uint32_t part = 1; part <= 70; ++part) receive(1, SignalValue::make(3, part, 1));
  EXPECT_EQ(word(1), SignalValue::make(3, 70, 1));
  open(11);
  receive(1, SignalValue::make(11, 2, 2));
  EXPECT_EQ(word(1), SignalValue::make(3, 70, 1));
  receive(1, SignalValue::make(11, 1, 2));
  EXPECT_EQ(word(1), SignalValue::make(11, 2, 2));
}

TEST_F(CompletionData, follows_4095_parts_in_any_order_within_the_span) {
  std::mt19937 random(5);
  open(1);
  std::vector<std::uint32_t> on_the_way;
  std::uint32_t next = 1;
  std::uint32_t reached = 0;
  while (next <= kMaxPart || !on_the_way.empty()) {
    const std::uint32_t oldest =
        on_the_way.empty() ? next : *std::min_element(on_the_way.begin(), on_the_way.end());
    if (next <= kMaxPart && next - oldest < kMaxOutstanding && random() % 2 == 0) {
      on_the_way.push_back(next++);
    } else if (!on_the_way.empty()) {
      const auto at = on_the_way.begin() + random() % on_the_way.size();
      receive(9, SignalValue::make(1, *at, 3));
      on_the_way.erase(at);
      const std::uint32_t part = SignalValue::part(word(9));
      ASSERT_GE(part, reached);
      reached = part;
      for (const std::uint32_t missing : on_the_way) ASSERT_LT(part, missing);
    }
  }
  EXPECT_EQ(word(9), SignalValue::make(1, kMaxPart, 3));
}

TEST_F(CompletionData, refuses_a_word_that_does_not_exist) {
  EXPECT_FALSE(receive(2 * kLinesPerGroup, SignalValue::make(0, 1, 0)));
}

}  // namespace

}  // namespace rlx::ofi
