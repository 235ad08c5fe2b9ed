// What every SymmetricTransport promises about bytes and signals.

#include "tests/transports/transport_suite.hpp"

#include <atomic>
#include <cstring>
#include <stdexcept>

namespace rlx::test {

namespace {

constexpr std::byte kGuard{0xa5};

Rank rank_of(std::size_t index) { return Rank(static_cast<std::uint32_t>(index)); }
std::uint64_t value(std::uint32_t part, std::uint64_t epoch = kFirstEpoch) {
  return SignalValue::make(epoch, part, 0x5a5);
}

// What surely arrives of a value, and what is looked at of a word: some protocols carry fewer bits
// of the hash.
std::uint64_t arriving(const RankWorld& self, std::uint64_t sent) {
  const std::uint32_t bits = self.transport().capabilities().hash_bits;
  return sent & ~(0xfffull & ~((1ull << bits) - 1));
}
std::uint64_t arrived(const RankWorld& self, std::uint32_t word) {
  return arriving(self, self.signals().word(word).load());
}

// One transfer of the size sweep: from the upper half of the sender's heap to the lower half of the
// target's, at odd places, with guard bytes around.
struct Transfer {
  std::size_t length;
  std::size_t to;
  std::size_t from;
};
constexpr std::size_t kHalf = kSuiteHeapBytes / 2;
constexpr Transfer kTransfers[] = {
    {1, 64, kHalf},          {1, 67, kHalf + 3},       {7, 129, kHalf + 5},
    {8, 256, kHalf + 64},    {8, 257, kHalf + 1},      {56, 520, kHalf + 8},
    {63, 705, kHalf + 7},    {64, 1024, kHalf},        {65, 1031, kHalf + 9},
    {1000, 513, kHalf + 1},  {4096, 4096, kHalf},      {4097, 77, kHalf + 31},
    {65536, 1 << 16, kHalf}, {100001, 99, kHalf + 17}, {1 << 20, 4095, kHalf + 33}};

void send_transfers(RankWorld& self, Rank target) {
  std::uint32_t part = 0;
  for (const Transfer& transfer : kTransfers) {
    ++part;
    fill_pattern(self.heap().subspan(transfer.from, transfer.length), part);
    Completion completion;
    self.insist([&] {
      return self.transport().put_signal(0, self.on(target, transfer.to),
                                         self.mine(transfer.from, transfer.length),
                                         {target, 0, value(part)}, completion);
    });
    self.drain(completion);
    self.barrier();  // the target has checked this one
  }
}

void check_transfers(RankWorld& self) {
  std::uint32_t part = 0;
  const auto heap = self.heap();
  for (const Transfer& transfer : kTransfers) {
    ++part;
    self.wait_word(0, part);
    EXPECT_EQ(pattern_matches(heap.subspan(transfer.to, transfer.length), part), transfer.length)
        << transfer.length << " bytes to " << transfer.to;
    EXPECT_EQ(heap[transfer.to - 1], kGuard) << transfer.length;
    EXPECT_EQ(heap[transfer.to + transfer.length], kGuard) << transfer.length;
    std::memset(heap.data(), int(kGuard), kHalf);
    self.barrier();
  }
}

}  // namespace

TEST_P(TransportSuite, bytes_of_any_size_and_place_are_there_when_the_word_is) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    std::memset(self.heap().data(), int(kGuard), kHalf);
    self.barrier();
    self.rank() == Rank(0) ? send_transfers(self, Rank(1)) : check_transfers(self);
  });
}

TEST_P(TransportSuite, a_rank_can_put_to_itself) {
  run_ranks(GetParam(), 1, [](RankWorld& self) {
    fill_pattern(self.heap().subspan(1024, 300), 9);
    Completion completion;
    self.insist([&] {
      return self.transport().put_signal(0, self.on(Rank(0), 64), self.mine(1024, 300),
                                         {Rank(0), 5, value(1)}, completion);
    });
    self.wait_word(5, 1);
    EXPECT_EQ(pattern_matches(self.heap().subspan(64, 300), 9), 300U);
    self.drain(completion);
  });
}

// The n-th signal of a word promises the bytes of the n puts that carried it, whatever their sizes.
TEST_P(TransportSuite, signals_of_one_word_arrive_in_order_each_after_all_bytes_before) {
  constexpr std::uint32_t kCount = 200;
  constexpr std::size_t kStride = 4096;
  const auto length_of = [](std::uint32_t part) {
    return part % 3 == 0 ? kStride : 8 * (part % 7);
  };
  run_ranks(GetParam(), 2, [&](RankWorld& self) {
    if (self.rank() == Rank(0)) {
      Completion completion;
      for (std::uint32_t part = 1; part <= kCount; ++part) {
        const std::size_t at = part * kStride;
        fill_pattern(self.heap().subspan(at, length_of(part)), part);
        self.insist([&] {
          return self.transport().put_signal(0, self.on(Rank(1), at),
                                             self.mine(at, length_of(part)),
                                             {Rank(1), 3, value(part)}, completion);
        });
      }
      self.drain(completion);
      return;
    }
    std::uint32_t seen = 0;
    self.poll_until(
        [&] {
          const std::uint64_t word = self.signals().word(3).load(std::memory_order_acquire);
          const std::uint32_t part = word == 0 ? 0 : SignalValue::part(word);
          EXPECT_GE(part, seen) << "a word went back";
          if (part > kCount) throw std::runtime_error("a part that nobody sent");
          for (; seen < part; ++seen) {
            const std::size_t length = length_of(seen + 1);
            EXPECT_EQ(pattern_matches(self.heap().subspan((seen + 1) * kStride, length), seen + 1),
                      length)
                << "part " << seen + 1 << " with the word at part " << part;
          }
          return seen == kCount;
        },
        "all parts");
    EXPECT_EQ(arrived(self, 3), arriving(self, value(kCount))) << "hash and epoch travel too";
  });
}

TEST_P(TransportSuite, a_put_of_no_bytes_and_a_signal_both_signal) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    const Rank peer = rank_of(1 - self.rank().index());
    Completion completion;
    self.insist([&] {
      return self.transport().put_signal(0, self.on(peer, 0), {nullptr, 0, self.heap_window()},
                                         {peer, 1, value(1)}, completion);
    });
    self.insist([&] { return self.transport().signal(0, {peer, 1, value(2)}, completion); });
    self.insist([&] { return self.transport().signal(0, {peer, 2, value(1)}, completion); });
    self.wait_word(1, 2);
    self.wait_word(2, 1);
    EXPECT_EQ(arrived(self, 1), arriving(self, value(2)));
    EXPECT_EQ(arrived(self, 2), arriving(self, value(1)));
    self.drain(completion);
    EXPECT_EQ(completion.issued.load(), 3U);
  });
}

TEST_P(TransportSuite, a_payload_put_into_a_line_is_there_with_the_word_of_that_line) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    const Rank peer = rank_of(1 - self.rank().index());
    const RemoteRef line{peer, kSignalWindow, 70 * kLineBytes + 8};
    std::uint32_t part = 0;
    for (const std::size_t length : {1U, 4U, 8U, 24U, 55U, 56U}) {
      ++part;
      fill_pattern(self.heap().first(length), part);
      Completion completion;
      self.insist([&] {
        return self.transport().put_signal(0, line, self.mine(0, length), {peer, 70, value(part)},
                                           completion);
      });
      self.wait_word(70, part);
      EXPECT_EQ(pattern_matches({self.signals().payload(70), length}, part), length);
      self.drain(completion);
      self.barrier();
    }
  });
}

TEST_P(TransportSuite, epochs_follow_each_other_in_the_same_words) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    const Rank peer = rank_of(1 - self.rank().index());
    for (std::uint64_t epoch = kFirstEpoch; epoch < kFirstEpoch + 5; ++epoch) {
      self.open_epoch(epoch);
      self.barrier();
      Completion completion;
      for (std::uint32_t part = 1; part <= 3; ++part) {
        self.insist([&] {
          return self.transport().signal(0, {peer, 9, value(part, epoch)}, completion);
        });
      }
      self.wait_word(9, 3, epoch);
      EXPECT_EQ(arrived(self, 9), arriving(self, value(3, epoch)));
      self.drain(completion);
    }
  });
}

}  // namespace rlx::test
