// The local transport in the conformance suite, and what is its own.

#include "rlx/local_transport.hpp"

#include <gmock/gmock.h>

#include <cstring>

#include "tests/transports/transport_suite.hpp"
#include "transports/local/make_local.hpp"

namespace rlx {

namespace {

INSTANTIATE_TEST_SUITE_P(Local, TransportSuite,
                         testing::Values(test::TransportCase{"plain", make_local}),
                         test::case_name);

TEST(LocalTransport, fan_out_gives_wired_ranks_with_zeroed_memory) {
  const auto ranks = LocalTransport::fan_out(3, 100, kLinesPerGroup + 1);
  ASSERT_EQ(ranks.size(), 3U);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(ranks[i]->rank(), Rank(i));
    EXPECT_EQ(ranks[i]->heap().size(), 128U);
    EXPECT_EQ(ranks[i]->signals().lines(), 2 * kLinesPerGroup);
    for (const std::byte byte : ranks[i]->heap()) EXPECT_EQ(byte, std::byte{0});
    EXPECT_EQ(ranks[i]->window_bytes(Rank(2), 1), 128U);
  }
  Completion completion;
  std::uint64_t number = 77;
  const LocalRef from{reinterpret_cast<std::byte*>(&number), sizeof(number), 0};
  ASSERT_EQ(ranks[0]->put_signal(0, {Rank(2), 1, 8}, from, {Rank(2), 127, 5}, completion),
            Issue::done);
  EXPECT_EQ(ranks[2]->signals().word(127).load(), 5U);
  EXPECT_EQ(std::memcmp(ranks[2]->heap().data() + 8, &number, sizeof(number)), 0);
}

TEST(LocalTransport, memory_outlives_the_rank_that_owns_it) {
  auto ranks = LocalTransport::fan_out(2, 4096);
  ranks[1].reset();
  Completion completion;
  std::byte source[100] = {};
  EXPECT_EQ(ranks[0]->put(0, {Rank(1), 1, 0}, {source, 100, 0}, completion), Issue::done);
  EXPECT_TRUE(completion.drained());
  EXPECT_FALSE(ranks[0]->has_failed());
}

TEST(LocalTransport, no_ranks_are_refused) {
  EXPECT_THROW(static_cast<void>(LocalTransport::fan_out(0, 64)), CollectiveError);
  EXPECT_THROW(static_cast<void>(LocalTransport::bare(0)), CollectiveError);
}

TEST(LocalTransport, an_unchecked_put_beyond_a_window_fails_and_the_first_cause_stays) {
  const auto ranks = LocalTransport::fan_out(2, 64);
  Completion completion;
  std::byte source[65] = {};
  EXPECT_EQ(ranks[0]->put(0, {Rank(1), 1, 0}, {source, 65, 0}, completion), Issue::failed);
  EXPECT_EQ(ranks[0]->signal(0, {Rank(1), 1u << 20, 1}, completion), Issue::failed);
  ASSERT_TRUE(ranks[0]->failure().has_value());
  EXPECT_EQ(ranks[0]->failure()->rank, Rank(1));
  EXPECT_THAT(ranks[0]->failure()->message, testing::StartsWith("put"));
  EXPECT_TRUE(ranks[0]->peer_failed(Rank(1)));
  EXPECT_FALSE(ranks[0]->peer_failed(Rank(0)));
  EXPECT_EQ(completion.issued.load(), 0U);
  EXPECT_THROW(ranks[0]->quiet(completion), CollectiveError);
}

TEST(LocalTransport, a_key_of_something_else_is_not_admitted) {
  const auto ranks = LocalTransport::bare(1);
  WindowKey key;
  key.length = 3;
  EXPECT_FALSE(ranks[0]->admit(Rank(0), 1, key));
  EXPECT_TRUE(ranks[0]->has_failed());
}

TEST(LocalTransport, a_second_signal_region_is_refused) {
  const auto ranks = LocalTransport::bare(1);
  std::vector<std::byte> memory(SignalRegion::bytes(kLinesPerGroup));
  EXPECT_TRUE(ranks[0]->attach(memory, WindowRole::signals).has_value());
  EXPECT_FALSE(ranks[0]->attach(memory, WindowRole::signals).has_value());
  EXPECT_THAT(ranks[0]->failure()->message, testing::HasSubstr("signal region"));
}

TEST(LocalTransport, ranks_of_two_processes_are_told_to_use_another_transport) {
  TransportSetup setup;
  setup.rank = Rank(0);
  setup.size = 2;
  setup.exchange = [](std::span<const std::byte> mine) {
    std::vector<std::byte> all(mine.begin(), mine.end());
    std::vector<std::byte> other(mine.begin(), mine.end());
    other[0] ^= std::byte{1};  // another process id
    all.insert(all.end(), other.begin(), other.end());
    return all;
  };
  try {
    static_cast<void>(make_local(setup));
    FAIL() << "nothing was thrown";
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Launch);
    EXPECT_THAT(error.ranks(), testing::ElementsAre(Rank(0), Rank(1)));
    EXPECT_THAT(error.what(), testing::HasSubstr("RLX_TRANSPORT=ofi"));
  }
}

TEST(Transports, an_unknown_name_is_answered_with_the_names) {
  TransportSetup setup;
  try {
    static_cast<void>(make_transport("pigeon", setup));
    FAIL() << "nothing was thrown";
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("pigeon"), testing::HasSubstr("auto"),
                               testing::HasSubstr("local")));
  }
}

TEST(Transports, local_is_found_by_name) {
  TransportSetup setup;
  setup.exchange = [](std::span<const std::byte> mine) {
    return std::vector<std::byte>(mine.begin(), mine.end());
  };
  EXPECT_EQ(make_transport("local", setup)->capabilities().name, "local");
}

}  // namespace

}  // namespace rlx
