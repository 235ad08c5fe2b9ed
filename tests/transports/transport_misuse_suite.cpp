// What the checked forms refuse, with the values named, before anything is sent.

#include <gmock/gmock.h>

#include "tests/transports/transport_suite.hpp"

namespace rlx::test {

namespace {

using testing::AllOf;
using testing::HasSubstr;

CollectiveError thrown_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const CollectiveError& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return CollectiveError(ErrorKind::Internal, "", "");
}

}  // namespace

TEST_P(TransportSuite, checked_forms_move_bytes_and_quiet_waits_for_them) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    const Rank peer(1 - self.rank().value());
    SymmetricTransport& transport = self.transport();
    fill_pattern(self.heap().subspan(4096, 3000), self.rank().value());
    self.barrier();
    Completion completion;
    transport.checked_get(0, self.mine(8192, 3000), self.on(peer, 4096), completion);
    self.drain(completion);
    EXPECT_EQ(pattern_matches(self.heap().subspan(8192, 3000), peer.value()), 3000U);
    transport.checked_put(0, self.on(peer, 65536), self.mine(4096, 3000), completion);
    transport.checked_put_signal(0, self.on(peer, 131072), self.mine(4096, 3000),
                                 {peer, 2, SignalValue::make(kFirstEpoch, 1, 0)}, completion);
    self.wait_word(2, 1);
    EXPECT_EQ(pattern_matches(self.heap().subspan(131072, 3000), peer.value()), 3000U);
    self.drain(completion);
    transport.quiet(completion);
    EXPECT_EQ(completion.local.load(), 3U);
  });
}

TEST_P(TransportSuite, a_range_outside_its_window_is_refused_with_the_values) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    const Rank peer(1 - self.rank().value());
    SymmetricTransport& transport = self.transport();
    Completion completion;
    EXPECT_EQ(transport.window_bytes(peer, self.heap_window()), kSuiteHeapBytes);
    const CollectiveError put = thrown_by([&] {
      transport.checked_put(0, self.on(peer, kSuiteHeapBytes - 10), self.mine(0, 11), completion);
    });
    EXPECT_EQ(put.kind(), ErrorKind::OutOfBounds);
    EXPECT_THAT(put.what(), AllOf(HasSubstr("11"), HasSubstr(std::to_string(kSuiteHeapBytes - 10)),
                                  HasSubstr(std::to_string(kSuiteHeapBytes))));
    const CollectiveError wrapped = thrown_by([&] {
      transport.checked_get(0, self.mine(0, 16), self.on(peer, ~std::uint64_t{0} - 7), completion);
    });
    EXPECT_EQ(wrapped.kind(), ErrorKind::OutOfBounds);
    const CollectiveError window = thrown_by([&] {
      transport.checked_put(0, {peer, 77, 0}, self.mine(0, 1), completion);
    });
    EXPECT_EQ(window.kind(), ErrorKind::OutOfBounds);
    EXPECT_THAT(window.what(), HasSubstr("77"));
    const CollectiveError word = thrown_by([&] {
      transport.checked_put_signal(0, self.on(peer, 0), self.mine(0, 1), {peer, kSuiteLines, 1},
                                   completion);
    });
    EXPECT_EQ(word.kind(), ErrorKind::OutOfBounds);
    EXPECT_THAT(word.what(), HasSubstr(std::to_string(kSuiteLines)));
    EXPECT_EQ(completion.issued.load(), 0U);
    EXPECT_FALSE(transport.has_failed());
  });
}

TEST_P(TransportSuite, a_rank_that_does_not_exist_is_refused_by_number) {
  run_ranks(GetParam(), 2, [](RankWorld& self) {
    Completion completion;
    const CollectiveError error = thrown_by([&] {
      self.transport().checked_put(0, self.on(Rank(29), 0), self.mine(0, 8), completion);
    });
    EXPECT_EQ(error.kind(), ErrorKind::UnknownRank);
    EXPECT_THAT(error.ranks(), testing::ElementsAre(Rank(29)));
    EXPECT_THAT(error.what(), AllOf(HasSubstr("29"), HasSubstr("2")));
    EXPECT_EQ(completion.issued.load(), 0U);
  });
}

TEST_P(TransportSuite, capabilities_say_something_about_every_peer) {
  run_ranks(GetParam(), 3, [](RankWorld& self) {
    const TransportCapabilities& offered = self.transport().capabilities();
    EXPECT_FALSE(offered.name.empty());
    EXPECT_EQ(offered.load_store.size(), 3U);
    EXPECT_GE(offered.lanes, 1U);
    EXPECT_GT(offered.max_put_bytes, 0U);
    EXPECT_GT(offered.latency_us, 0);
    EXPECT_GT(offered.gigabytes_per_second, 0);
    EXPECT_EQ(self.transport().size(), 3U);
    EXPECT_EQ(self.transport().failure(), std::nullopt);
    EXPECT_FALSE(self.transport().peer_failed(Rank(1)));
  });
}

}  // namespace rlx::test
