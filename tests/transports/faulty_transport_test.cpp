// The faulty decorator in the conformance suite, and that each word of it does what it says.

#include "transports/faulty/faulty_transport.hpp"

#include <gmock/gmock.h>

#include <cstring>

#include "rlx/local_transport.hpp"
#include "tests/transports/transport_suite.hpp"
#include "transports/faulty/faulty_options.hpp"
#include "transports/local/make_local.hpp"

namespace rlx {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

test::TransportCase around_local(std::string name, std::string options) {
  return {std::move(name), [options](const TransportSetup& setup) {
            return make_faulty(make_local(setup), options);
          }};
}

INSTANTIATE_TEST_SUITE_P(
    Faulty, TransportSuite,
    testing::Values(around_local("deferred", ""), around_local("delayed", "delay=300us,jitter=1ms"),
                    around_local("busy", "busy=0.5,late"),
                    around_local("reordered", "reorder,jitter=200us,busy=0.1,late,seed=5"),
                    around_local("manual_progress", "progress,jitter=100us,busy=0.1"),
                    around_local("completion_data", "cqdata"),
                    around_local("completion_data_reordered",
                                 "cqdata,reorder,jitter=200us,busy=0.1,late,seed=9")),
    test::case_name);

constexpr std::size_t kHeap = 1 << 16;
constexpr std::uint32_t kLines = 2 * kLinesPerGroup;

// `n` ranks, all in the hands of this thread, so that the test decides who polls when.
struct Ranks {
  Ranks(std::size_t n, std::string_view options) {
    for (auto& local : LocalTransport::bare(n)) {
      transports.push_back(make_faulty(std::move(local), options));
      storage.push_back(std::make_unique<std::byte[]>(kHeap));
      heaps.emplace_back(storage.back().get(), kHeap);
      lines.push_back(std::make_unique<Line[]>(SignalRegion::bytes(kLines) / kLineBytes + 1));
    }
    for (std::uint32_t owner = 0; owner < n; ++owner) wire(owner);
  }
  void wire(std::uint32_t owner) {
    const std::span<std::byte> region(lines[owner][0].bytes, SignalRegion::bytes(kLines));
    const Window first = transports[owner]->attach(region, WindowRole::signals).value();
    const Window second = transports[owner]->attach(heaps[owner], WindowRole::heap).value();
    for (auto& peer : transports) {
      EXPECT_TRUE(peer->admit(Rank(owner), first.number, first.key));
      EXPECT_TRUE(peer->admit(Rank(owner), second.number, second.key));
    }
    for (std::uint32_t group = 0; group < kLines / kLinesPerGroup; ++group) {
      signals(owner).expected(group).store(SignalValue::make(1, 0, 0));
    }
  }

  [[nodiscard]] SymmetricTransport& operator[](std::size_t rank) const { return *transports[rank]; }
  [[nodiscard]] SignalRegion signals(std::size_t rank) const {
    return {lines[rank][0].bytes, kLines};
  }
  [[nodiscard]] std::uint64_t word(std::size_t rank, std::uint32_t index) const {
    return signals(rank).word(index).load();
  }
  // Polls one rank until the condition holds, for 10 s at most.
  template <class Condition>
  void poll(std::size_t rank, Condition condition) const {
    const auto deadline = steady_clock::now() + std::chrono::seconds(10);
    while (!condition() && steady_clock::now() < deadline) transports[rank]->progress();
    EXPECT_TRUE(condition());
  }

  struct alignas(64) Line {
    std::byte bytes[kLineBytes] = {};
  };
  std::vector<std::unique_ptr<Line[]>> lines;
  std::vector<std::unique_ptr<std::byte[]>> storage;
  std::vector<std::span<std::byte>> heaps;
  std::vector<std::unique_ptr<SymmetricTransport>> transports;  // last: they go before the memory
};

std::uint64_t value(std::uint32_t part) { return SignalValue::make(1, part, 7); }
constexpr RemoteRef kTarget{Rank(1), 1, 0};

TEST(FaultyTransport, nothing_is_delivered_before_its_issuer_polls_at_or_after_the_delay) {
  const Ranks ranks(2, "delay=20ms");
  const auto issued_at = steady_clock::now();
  Completion completion;
  ASSERT_EQ(ranks[0].signal(0, {Rank(1), 3, value(1)}, completion), Issue::done);
  ranks[0].progress();
  if (steady_clock::now() - issued_at < milliseconds(20)) {
    EXPECT_EQ(ranks.word(1, 3), 0U);
    EXPECT_FALSE(completion.drained());
  }
  ranks.poll(0, [&] { return completion.drained(); });
  EXPECT_GE(steady_clock::now() - issued_at, milliseconds(20));
  EXPECT_EQ(ranks.word(1, 3), value(1));
}

TEST(FaultyTransport, delays_of_many_operations_overlap) {
  const Ranks ranks(2, "delay=20ms");
  constexpr std::uint32_t kCount = 500;
  const auto begin = steady_clock::now();
  Completion completion;
  for (std::uint32_t part = 1; part <= kCount; ++part) {
    ASSERT_EQ(ranks[0].signal(0, {Rank(1), 3, value(part)}, completion), Issue::done);
  }
  ranks.poll(0, [&] { return completion.drained(); });
  EXPECT_LT(steady_clock::now() - begin, kCount * milliseconds(20) / 10) << "they queued up";
}

TEST(FaultyTransport, a_long_source_is_read_at_delivery_and_a_short_one_at_issue) {
  const Ranks ranks(2, "");
  const std::size_t inlined = ranks[0].capabilities().inline_bytes;
  ASSERT_GE(inlined, 8U);
  std::vector<std::byte> source(inlined + 1, std::byte{1});
  Completion completion;
  const RemoteRef second{Rank(1), 1, 4096};
  ASSERT_EQ(ranks[0].put(0, kTarget, {source.data(), inlined, 0}, completion), Issue::done);
  ASSERT_EQ(ranks[0].put(0, second, {source.data(), inlined + 1, 0}, completion), Issue::done);
  source.assign(source.size(), std::byte{2});
  ranks.poll(0, [&] { return completion.drained(); });
  EXPECT_EQ(ranks.heaps[1][0], std::byte{1});
  EXPECT_EQ(ranks.heaps[1][4096], std::byte{2}) << "early reuse of a source must show";
}

TEST(FaultyTransport, words_overtake_each_other_only_when_reordered) {
  for (const std::string_view options : {"seed=3", "seed=3,reorder"}) {
    const Ranks ranks(2, options);
    Completion completion;
    for (std::uint32_t word = 0; word < 64; ++word) {
      ASSERT_EQ(ranks[0].signal(0, {Rank(1), word, value(1)}, completion), Issue::done);
      ASSERT_EQ(ranks[0].signal(0, {Rank(1), word, value(2)}, completion), Issue::done);
    }
    bool overtaken = false;
    const auto look = [&] {
      for (std::uint32_t word = 1; word < 64; ++word) {
        overtaken = overtaken || ranks.word(1, word) > ranks.word(1, word - 1);
      }
      return completion.drained();
    };
    ranks.poll(0, look);
    EXPECT_EQ(overtaken, options == "seed=3,reorder");
    for (std::uint32_t word = 0; word < 64; ++word) EXPECT_EQ(ranks.word(1, word), value(2));
  }
}

TEST(FaultyTransport, a_plain_put_may_come_after_a_later_signal_when_reordered) {
  bool seen = false;
  for (int seed = 1; seed < 50 && !seen; ++seed) {
    const Ranks ranks(2, "reorder,seed=" + std::to_string(seed));
    Completion completion;
    std::byte source{1};
    ASSERT_EQ(ranks[0].put(0, kTarget, {&source, 1, 0}, completion), Issue::done);
    ASSERT_EQ(ranks[0].signal(0, {Rank(1), 0, value(1)}, completion), Issue::done);
    ranks.poll(0, [&] {
      seen = seen || (ranks.word(1, 0) != 0 && ranks.heaps[1][0] == std::byte{0});
      return completion.drained();
    });
  }
  EXPECT_TRUE(seen);
}

TEST(FaultyTransport, late_counts_local_completion_some_time_after_delivery) {
  const Ranks ranks(2, "late,delay=5ms,seed=2");
  Completion completion;
  for (std::uint32_t part = 1; part <= 8; ++part) {
    ASSERT_EQ(ranks[0].signal(0, {Rank(1), 0, value(part)}, completion), Issue::done);
  }
  ranks.poll(0, [&] { return ranks.word(1, 0) == value(8); });
  EXPECT_FALSE(completion.drained());
  ranks.poll(0, [&] { return completion.drained(); });
}

TEST(FaultyTransport, busy_refuses_some_operations_and_counts_none_of_those) {
  const Ranks ranks(2, "busy=0.5,seed=4");
  Completion completion;
  int busy = 0;
  for (int i = 0; i < 200; ++i) {
    const Issue issue = ranks[0].put(0, kTarget, {ranks.heaps[0].data(), 8, 0}, completion);
    busy += issue == Issue::busy ? 1 : 0;
  }
  EXPECT_GT(busy, 50);
  EXPECT_LT(busy, 150);
  EXPECT_EQ(completion.issued.load(), 200U - static_cast<unsigned>(busy));
}

TEST(FaultyTransport, under_manual_progress_a_target_that_does_not_poll_sees_nothing) {
  const Ranks ranks(2, "progress");
  Completion puts;
  Completion gets;
  std::byte source{9};
  ranks.heaps[1][100] = std::byte{5};
  ASSERT_EQ(ranks[0].put_signal(0, kTarget, {&source, 1, 0}, {Rank(1), 0, value(1)}, puts),
            Issue::done);
  ASSERT_EQ(ranks[0].get(0, {&source, 1, 0}, {Rank(1), 1, 100}, gets), Issue::done);
  ranks.poll(0, [&] { return puts.drained(); });
  for (int i = 0; i < 100; ++i) ranks[0].progress();
  EXPECT_EQ(ranks.word(1, 0), 0U);
  EXPECT_FALSE(gets.drained());
  ranks.poll(1, [&] { return ranks.word(1, 0) == value(1); });
  EXPECT_EQ(ranks.heaps[1][0], std::byte{9});
  ranks.poll(0, [&] { return gets.drained(); });
  EXPECT_EQ(source, std::byte{5});
  EXPECT_FALSE(ranks[0].capabilities().passive_target);
}

TEST(FaultyTransport, completion_data_is_rebuilt_on_the_epoch_that_the_target_expects) {
  const Ranks ranks(2, "cqdata");
  EXPECT_EQ(ranks[0].capabilities().protocol, SignalProtocol::completion_data);
  Completion completion;
  for (std::uint32_t part = 1; part <= 130; ++part) {  // more than the 64 that 6 bits tell apart
    ASSERT_EQ(ranks[0].signal(0, {Rank(1), kLinesPerGroup + 6, value(part)}, completion),
              Issue::done);
  }
  ranks.poll(0, [&] { return completion.drained(); });
  ranks.poll(1, [&] { return ranks.word(1, kLinesPerGroup + 6) == value(130); });
  // The sender's epoch does not travel: a target that has not opened it gets the one it expects.
  ranks.signals(1).expected(1).store(SignalValue::make(40, 0, 0));
  ASSERT_EQ(
      ranks[0].signal(0, {Rank(1), kLinesPerGroup + 6, SignalValue::make(39, 1, 8)}, completion),
      Issue::done);
  ranks.poll(0, [&] { return completion.drained(); });
  ranks.poll(1, [&] { return ranks.word(1, kLinesPerGroup + 6) == SignalValue::make(40, 1, 8); });
}

TEST(FaultyTransport, a_dropped_peer_gets_no_more_and_nobody_is_told) {
  const Ranks ranks(3, "drop=1@2");
  Completion dropped;
  Completion served;
  for (std::uint32_t part = 1; part <= 5; ++part) {
    ASSERT_EQ(ranks[0].signal(0, {Rank(1), 0, value(part)}, dropped), Issue::done);
    ASSERT_EQ(ranks[0].signal(0, {Rank(2), 0, value(part)}, served), Issue::done);
  }
  ranks.poll(0, [&] { return served.drained(); });
  EXPECT_EQ(ranks.word(1, 0), value(2));
  EXPECT_EQ(ranks.word(2, 0), value(5));
  EXPECT_EQ(dropped.issued.load(), 5U);
  EXPECT_EQ(dropped.local.load(), 2U);
  EXPECT_FALSE(ranks[0].has_failed());
}

TEST(FaultyTransport, a_failing_peer_is_named_and_the_others_are_served) {
  const Ranks ranks(3, "fail=1@2");
  Completion completion;
  const auto signal_to = [&](std::uint32_t rank, std::uint32_t part) {
    return ranks[0].signal(0, {Rank(rank), 0, value(part)}, completion);
  };
  EXPECT_EQ(signal_to(1, 1), Issue::done);
  EXPECT_EQ(signal_to(1, 2), Issue::done);
  EXPECT_EQ(signal_to(1, 3), Issue::failed);
  EXPECT_EQ(signal_to(1, 4), Issue::failed);
  EXPECT_EQ(signal_to(2, 1), Issue::done);
  ranks.poll(0, [&] { return completion.drained(); });
  EXPECT_EQ(completion.issued.load(), 3U);
  EXPECT_EQ(ranks.word(2, 0), value(1));
  EXPECT_TRUE(ranks[0].peer_failed(Rank(1)));
  EXPECT_FALSE(ranks[0].peer_failed(Rank(2)));
  ASSERT_TRUE(ranks[0].failure().has_value());
  EXPECT_EQ(ranks[0].failure()->kind, ErrorKind::PeerFailed);
  EXPECT_EQ(ranks[0].failure()->rank, Rank(1));
}

TEST(FaultyTransport, the_first_failure_of_what_it_wraps_is_its_own) {
  const Ranks ranks(2, "");
  Completion completion;
  std::byte source[16] = {};
  const RemoteRef beyond{Rank(1), 1, kHeap};
  ASSERT_EQ(ranks[0].put(0, beyond, {source, 16, 0}, completion), Issue::done);
  ranks[0].progress();
  ASSERT_TRUE(ranks[0].has_failed());
  EXPECT_THAT(ranks[0].failure()->message, testing::HasSubstr("outside the windows"));
  EXPECT_EQ(ranks[0].put(0, kTarget, {source, 16, 0}, completion), Issue::failed);
}

TEST(FaultyOptions, every_word_is_read) {
  const FaultyOptions options = parse_faulty_options(
      "delay=1.5ms,jitter=200us,reorder,late,busy=0.25,progress,cqdata,drop=3@70,fail=4@0,seed=9");
  EXPECT_EQ(options.delay, std::chrono::microseconds(1500));
  EXPECT_EQ(options.jitter, std::chrono::microseconds(200));
  EXPECT_TRUE(options.reorder && options.late && options.progress && options.cqdata);
  EXPECT_EQ(options.busy, 0.25);
  ASSERT_TRUE(options.drop && options.fail);
  EXPECT_EQ(options.drop->rank, Rank(3));
  EXPECT_EQ(options.drop->operations, 70U);
  EXPECT_EQ(options.fail->rank, Rank(4));
  EXPECT_EQ(options.fail->operations, 0U);
  EXPECT_EQ(options.seed, 9U);
}

TEST(FaultyOptions, what_is_not_understood_is_refused_with_the_words_there_are) {
  for (const char* text :
       {"dely=1ms", "delay=1", "delay=ms", "delay=-1ms", "delay=nanms", "busy=1", "busy=x",
        "drop=1", "drop=a@2", "seed=", "seed=1x", "reorder,wild", ","}) {
    try {
      static_cast<void>(parse_faulty_options(text));
      ADD_FAILURE() << text << " was accepted";
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument) << text;
      EXPECT_THAT(error.what(),
                  testing::AllOf(testing::HasSubstr("drop=RANK@N"), testing::HasSubstr("reorder")));
    }
  }
}

TEST(FaultyOptions, words_that_need_the_local_transport_are_refused_around_others) {
  for (const char* text : {"progress", "cqdata"}) {
    auto other = make_faulty(std::move(LocalTransport::bare(1)[0]), "");
    EXPECT_THROW(static_cast<void>(make_faulty(std::move(other), text)), CollectiveError);
  }
}

}  // namespace

}  // namespace rlx
