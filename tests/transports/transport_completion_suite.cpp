// What every SymmetricTransport promises about completions, reads, and many at once.

#include <sys/mman.h>

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "tests/transports/pages.hpp"
#include "tests/transports/transport_suite.hpp"

namespace rlx::test {

namespace {

constexpr std::byte kGuard{0xa5};
constexpr std::size_t kHalf = kSuiteHeapBytes / 2;

Rank rank_of(std::size_t index) { return Rank(static_cast<std::uint32_t>(index)); }
std::uint64_t value(std::uint32_t part) { return SignalValue::make(kFirstEpoch, part, 0x5a5); }

}  // namespace

TEST_P(TransportSuite, a_source_may_be_rewritten_once_it_is_locally_complete) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    constexpr std::uint32_t kRounds = 20;
    constexpr std::size_t kLength = 10000;
    if (self.rank() == Rank(0)) {
      for (std::uint32_t part = 1; part <= kRounds; ++part) {
        fill_pattern(self.heap().first(kLength), part);
        Completion completion;
        self.insist([&] {
          return self.transport().put_signal(0, self.on(Rank(1), part * 16384),
                                             self.mine(0, kLength), {Rank(1), 0, value(part)},
                                             completion);
        });
        self.drain(completion);
      }
      return;
    }
    self.wait_word(0, kRounds);
    for (std::uint32_t part = 1; part <= kRounds; ++part) {
      EXPECT_EQ(pattern_matches(self.heap().subspan(part * 16384, kLength), part), kLength);
    }
  });
}

TEST_P(TransportSuite, an_inline_source_may_be_rewritten_at_once) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    constexpr std::uint32_t kRounds = 50;
    const std::size_t length =
        std::min<std::size_t>(self.transport().capabilities().inline_bytes, 64);
    if (self.rank() == Rank(0)) {
      Completion completion;
      for (std::uint32_t part = 1; part <= kRounds; ++part) {
        fill_pattern(self.heap().first(length), part);
        self.insist([&] {
          return self.transport().put_signal(0, self.on(Rank(1), part * 64), self.mine(0, length),
                                             {Rank(1), 0, value(part)}, completion);
        });
      }
      self.drain(completion);
      return;
    }
    self.wait_word(0, kRounds);
    for (std::uint32_t part = 1; part <= kRounds; ++part) {
      EXPECT_EQ(pattern_matches(self.heap().subspan(part * 64, length), part), length);
    }
  });
}

TEST_P(TransportSuite, a_get_reads_what_the_peer_has) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    constexpr std::size_t kLengths[] = {1, 8, 64, 100, 4097, 300001};
    fill_pattern(self.heap().subspan(kHalf, 1 << 20), self.rank().value());
    self.barrier();
    const Rank peer = rank_of(1 - self.rank().index());
    for (const std::size_t length : kLengths) {
      for (const std::size_t odd : {0U, 3U}) {
        Completion completion;
        std::memset(self.heap().data(), int(kGuard), length + 2);
        const LocalRef into{self.heap().data() + 1, length, self.heap_window()};
        self.insist(
            [&] { return self.transport().get(0, into, self.on(peer, kHalf + odd), completion); });
        self.drain(completion);
        std::vector<std::byte> wanted(1 << 20);
        fill_pattern(wanted, peer.value());
        EXPECT_EQ(std::memcmp(into.data, wanted.data() + odd, length), 0) << length;
        EXPECT_EQ(self.heap()[0], kGuard);
        EXPECT_EQ(self.heap()[length + 1], kGuard);
      }
    }
  });
}

// A health word is read by get while its owner and others rewrite it: never half of a value.
TEST_P(TransportSuite, eight_aligned_bytes_are_put_and_got_whole) {
  run_ranks(GetParam(), 3, [](RankWorld& self) {
    constexpr std::uint64_t kRepeat = 0x0101010101010101ull;
    constexpr int kRounds = 100;
    auto* source = reinterpret_cast<std::uint64_t*>(self.heap().data() + 64);
    Completion completion;
    for (int round = 1; round <= kRounds; ++round) {
      self.drain(completion);
      if (self.rank() == Rank(0)) {
        self.insist([&] {
          return self.transport().get(0, self.mine(64, 8), self.on(Rank(2), 1024), completion);
        });
        self.drain(completion);
        EXPECT_EQ(*source, kRepeat * (*source & 0xff));
      } else if (self.rank() == Rank(1)) {
        *source = kRepeat * static_cast<std::uint64_t>(round);
        self.insist([&] {
          return self.transport().put(0, self.on(Rank(2), 1024), self.mine(64, 8), completion);
        });
      } else {
        self.transport().progress();
      }
    }
    self.drain(completion);
    self.barrier();
    Completion last;
    if (self.rank() == Rank(0)) {
      self.poll_until(
          [&] {
            self.insist([&] {
              return self.transport().get(0, self.mine(64, 8), self.on(Rank(2), 1024), last);
            });
            self.drain(last);
            return *source == kRepeat * kRounds;
          },
          "the last value");
    }
  });
}

TEST_P(TransportSuite, completions_count_every_accepted_operation_once) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    constexpr std::uint32_t kCount = 1000;
    const Rank peer = rank_of(1 - self.rank().index());
    Completion puts;
    Completion signals;
    std::uint64_t accepted = 0;
    const auto put = [&](std::size_t at, std::size_t length) {
      const Issue issue =
          self.transport().put(0, self.on(peer, at), self.mine(at + kHalf, length), puts);
      accepted += issue == Issue::done ? 1 : 0;
      EXPECT_EQ(puts.issued.load(), accepted) << "busy counts nothing";
      return issue;
    };
    fill_pattern(self.heap().subspan(kHalf, kCount * 1024), self.rank().value());
    for (std::size_t i = 0; i < kCount; ++i) self.insist([&] { return put(i * 1024, 1000); });
    self.drain(puts);
    for (std::uint32_t part = 1; part <= kCount; ++part) {
      self.insist([&] { return self.transport().signal(0, {peer, 0, value(part)}, signals); });
    }
    self.drain(signals);
    self.wait_word(0, kCount);
    EXPECT_EQ(puts.issued.load(), kCount);
    EXPECT_EQ(puts.local.load(), kCount);
    EXPECT_EQ(signals.local.load(), kCount);
  });
}

TEST_P(TransportSuite, remote_counts_follow_where_they_are_offered) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    if (!self.transport().capabilities().delivery_complete) return;
    const Rank peer = rank_of(1 - self.rank().index());
    fill_pattern(self.heap().first(5000), self.rank().value());
    Completion completion;
    self.insist([&] {
      return self.transport().put(0, self.on(peer, kHalf), self.mine(0, 5000), completion);
    });
    self.poll_until([&] { return completion.remote.load() == 1; }, "remote completion");
    self.barrier();
    EXPECT_EQ(pattern_matches(self.heap().subspan(kHalf, 5000), peer.value()), 5000U);
  });
}

TEST_P(TransportSuite, everybody_may_put_to_everybody_at_once) {
  constexpr std::uint32_t kRounds = 30;
  constexpr std::size_t kBlock = 8192;
  run_ranks(GetParam(), 4, [](RankWorld& self) {
    const std::uint32_t me = self.rank().value();
    Completion completion;
    for (std::uint32_t part = 1; part <= kRounds; ++part) {
      fill_pattern(self.heap().subspan(kHalf, kBlock - part), 100 * part + me);
      for (std::uint32_t to = 0; to < self.size(); ++to) {
        self.insist([&] {
          return self.transport().put_signal(0, self.on(Rank(to), me * kBlock),
                                             self.mine(kHalf, kBlock - part),
                                             {Rank(to), me, value(part)}, completion);
        });
      }
      for (std::uint32_t from = 0; from < self.size(); ++from) {
        self.wait_word(from, part);
        EXPECT_EQ(
            pattern_matches(self.heap().subspan(from * kBlock, kBlock - part), 100 * part + from),
            kBlock - part);
      }
      self.drain(completion);
      self.barrier();
    }
  });
}

TEST_P(TransportSuite, a_window_attached_later_is_reached_like_the_first) {
  std::vector<Pages> memory;
  for (int rank = 0; rank < 2; ++rank) memory.emplace_back(100000);
  run_ranks(GetParam(), 2, [&](RankWorld& self) {
    const Rank peer = rank_of(1 - self.rank().index());
    const WindowNumber later = self.share(memory[self.rank().index()].all(), WindowRole::user);
    EXPECT_GT(later, self.heap_window());
    fill_pattern(self.heap().first(50000), self.rank().value());
    self.barrier();
    Completion completion;
    self.insist([&] {
      return self.transport().put_signal(0, {peer, later, 49999}, self.mine(0, 50000),
                                         {peer, 0, value(1)}, completion);
    });
    self.wait_word(0, 1);
    const std::span<std::byte> landed(memory[self.rank().index()].data() + 49999, 50000);
    EXPECT_EQ(pattern_matches(landed, peer.value()), 50000U);
    self.drain(completion);
    self.barrier();
  });
}

// At the same addresses and under the same number every time, with pages that are new each time.
TEST_P(TransportSuite, memory_of_a_call_is_reached_until_it_is_given_back) {
  run_ranks(GetParam(), 2, [&](RankWorld& self) {
    SymmetricTransport& transport = self.transport();
    if (!transport.capabilities().call_windows) return;
    constexpr std::size_t kBytes = 100000;
    const Rank peer = rank_of(1 - self.rank().index());
    std::optional<WindowNumber> first;
    void* place = nullptr;
    for (std::uint32_t round = 1; round <= 20; ++round) {
      void* const mapped =
          ::mmap(place, kBytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | (place != nullptr ? MAP_FIXED : 0), -1, 0);
      ASSERT_NE(mapped, MAP_FAILED);
      place = mapped;
      const std::span<std::byte> memory(static_cast<std::byte*>(mapped), kBytes);
      fill_pattern(self.heap().first(50000), 100 * round + self.rank().value());
      const WindowNumber mine = self.share(memory, WindowRole::call);
      EXPECT_EQ(mine, first.value_or(mine)) << "the number is used again";
      first = mine;
      const auto source = transport.attach(self.heap().first(50000), WindowRole::source);
      ASSERT_TRUE(source.has_value());
      EXPECT_NE(source->number, mine);
      Completion completion;
      self.insist([&] {
        return transport.put_signal(0, {peer, mine, 49999},
                                    {self.heap().data(), 50000, source->number},
                                    {peer, 0, value(round)}, completion);
      });
      self.wait_word(0, round);
      EXPECT_EQ(pattern_matches(memory.subspan(49999, 50000), 100 * round + peer.value()), 50000U);
      self.drain(completion);
      self.barrier();
      transport.detach(source->number);
      transport.detach(mine);
    }
    ::munmap(place, kBytes);
  });
}

TEST_P(TransportSuite, a_second_thread_may_poll_beside_the_one_that_issues) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    std::atomic<bool> done{false};
    std::jthread helper([&] {
      while (!done.load(std::memory_order_acquire)) {
        if (!self.transport().progress()) std::this_thread::yield();
      }
    });
    const Rank peer = rank_of(1 - self.rank().index());
    Completion completion;
    for (std::uint32_t part = 1; part <= 100; ++part) {
      fill_pattern(self.heap().subspan(kHalf, 500), 100 * part + self.rank().value());
      self.insist([&] {
        return self.transport().put_signal(0, self.on(peer, 0), self.mine(kHalf, 500),
                                           {peer, 0, value(part)}, completion);
      });
      self.wait_word(0, part);
      EXPECT_EQ(pattern_matches(self.heap().first(500), 100 * part + peer.value()), 500U);
      self.drain(completion);
      self.barrier();
    }
    done.store(true, std::memory_order_release);
  });
}

}  // namespace rlx::test
