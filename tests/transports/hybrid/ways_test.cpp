// Which way an operation, a key, a failure goes, with ways that only write it down.

#include <gmock/gmock.h>

#include <array>

#include "tests/transports/hybrid/one_way.hpp"
#include "transports/hybrid/hybrid_transport.hpp"

namespace rlx::hybrid {

namespace {

using test::OneWay;
using testing::ElementsAre;
using testing::HasSubstr;

WindowKey key_with(std::uint8_t length, std::byte first) {
  WindowKey key;
  key.length = length;
  for (std::size_t i = 0; i < length; ++i) key.bytes[i] = std::byte(int(first) + int(i));
  return key;
}

/// Rank 1 of four: 1 and 3 share a node, 0 and 2 another.
struct Crossing {
  Crossing() {
    Ways ways{std::make_unique<OneWay>(Rank(1), 4), std::make_unique<OneWay>(Rank(1), 4)};
    mapped = static_cast<OneWay*>(ways.mapped.get());
    fabric = static_cast<OneWay*>(ways.fabric.get());
    mapped->key = key_with(32, std::byte{10});
    fabric->key = key_with(24, std::byte{100});
    hybrid = std::make_unique<HybridTransport>(Rank(1), std::vector<std::uint32_t>{0, 1, 0, 1},
                                               std::move(ways));
  }
  Issue signal(Rank to) { return hybrid->signal(0, {to, 0, 1}, completion); }

  std::unique_ptr<HybridTransport> hybrid;
  OneWay* mapped;
  OneWay* fabric;
  Completion completion;
  std::array<std::byte, 64> memory{};
};

TEST(HybridTransport, takes_each_operation_the_way_of_its_peer) {
  Crossing at;
  for (std::uint32_t peer = 0; peer < 4; ++peer) {
    const RemoteRef there{Rank(peer), 1, 0};
    EXPECT_EQ(at.hybrid->put(0, there, {}, at.completion), Issue::done);
    EXPECT_EQ(at.hybrid->put_signal(0, there, {}, {Rank(peer), 0, 1}, at.completion), Issue::done);
    EXPECT_EQ(at.hybrid->get(0, {}, there, at.completion), Issue::done);
    EXPECT_EQ(at.signal(Rank(peer)), Issue::done);
  }
  const std::vector<Rank> mates{Rank(1), Rank(1), Rank(1), Rank(1),
                                Rank(3), Rank(3), Rank(3), Rank(3)};
  const std::vector<Rank> others{Rank(0), Rank(0), Rank(0), Rank(0),
                                 Rank(2), Rank(2), Rank(2), Rank(2)};
  EXPECT_EQ(at.mapped->peers, mates);
  EXPECT_EQ(at.fabric->peers, others);
}

TEST(HybridTransport, polls_both_ways_and_tells_whether_either_moved) {
  Crossing at;
  EXPECT_FALSE(at.hybrid->progress());
  at.mapped->moves = true;
  EXPECT_TRUE(at.hybrid->progress());
  at.fabric->moves = true;
  EXPECT_TRUE(at.hybrid->progress());
  EXPECT_EQ(at.mapped->polls, 3U);
  EXPECT_EQ(at.fabric->polls, 3U);
}

TEST(HybridTransport, keeps_the_first_failure_of_either_way_and_serves_the_others) {
  Crossing at;
  at.fabric->lose(Rank(2));
  at.hybrid->progress();
  at.mapped->lose(Rank(3));
  at.hybrid->progress();
  ASSERT_TRUE(at.hybrid->failure());
  EXPECT_EQ(at.hybrid->failure()->kind, ErrorKind::PeerFailed);
  EXPECT_EQ(at.hybrid->failure()->rank, Rank(2));
  for (std::uint32_t peer = 0; peer < 5; ++peer)
    EXPECT_EQ(at.hybrid->peer_failed(Rank(peer)), peer >= 2) << peer;
  EXPECT_EQ(at.signal(Rank(0)), Issue::done);
  EXPECT_EQ(at.signal(Rank(1)), Issue::done);
  EXPECT_EQ(at.signal(Rank(2)), Issue::failed);
  EXPECT_EQ(at.signal(Rank(3)), Issue::failed);
}

TEST(HybridTransport, has_the_cause_as_soon_as_an_operation_has_failed) {
  Crossing at;
  at.mapped->lose(Rank(3));
  EXPECT_EQ(at.signal(Rank(3)), Issue::failed);
  ASSERT_TRUE(at.hybrid->failure());
  EXPECT_EQ(at.hybrid->failure()->rank, Rank(3));
}

TEST(HybridTransport, gives_each_peer_the_key_of_its_way) {
  Crossing at;
  const auto window = at.hybrid->attach(at.memory, WindowRole::heap);
  ASSERT_TRUE(window);
  EXPECT_EQ(window->number, 1);
  EXPECT_EQ(window->key.length, 1 + 32 + 24);
  at.mapped->mapped_at = at.memory.data() + 8;
  for (std::uint32_t peer = 0; peer < 4; ++peer)
    ASSERT_TRUE(at.hybrid->admit(Rank(peer), 1, window->key));
  const auto same = [](const WindowKey& a, const WindowKey& b) {
    return a.length == b.length && std::ranges::equal(std::span(a.bytes).first(a.length),
                                                      std::span(b.bytes).first(b.length));
  };
  EXPECT_TRUE(same(at.mapped->admitted.at(Rank(3)), at.mapped->key));
  EXPECT_TRUE(same(at.fabric->admitted.at(Rank(0)), at.fabric->key));
  EXPECT_EQ(at.fabric->admitted.size(), 2U);
  EXPECT_EQ(at.hybrid->mapped(Rank(3), 1), at.memory.data() + 8);
  EXPECT_EQ(at.hybrid->mapped(Rank(1), 1), at.memory.data()) << "my own is where I attached it";
  EXPECT_EQ(at.hybrid->mapped(Rank(0), 1), nullptr);
  EXPECT_EQ(at.hybrid->window_bytes(Rank(0), 1), 4096U);
}

TEST(HybridTransport, refuses_keys_that_no_hybrid_made) {
  Crossing at;
  WindowKey cut = key_with(5, std::byte{60});  // says that 60 bytes follow
  at.hybrid->admit(Rank(3), 1, cut);
  EXPECT_EQ(at.mapped->admitted.at(Rank(3)).length, 0U) << "nothing that the way could take";
}

TEST(HybridTransport, says_which_way_has_no_memory) {
  Crossing at;
  at.fabric->refuses_memory = true;
  EXPECT_FALSE(at.hybrid->attach(at.memory, WindowRole::heap));
  EXPECT_EQ(at.hybrid->failure()->kind, ErrorKind::OutOfMemory);
  EXPECT_THAT(at.hybrid->failure()->message, HasSubstr("no memory this way"));
}

TEST(HybridTransport, has_no_window_where_numbers_or_keys_do_not_fit_together) {
  Crossing at;
  at.mapped->next_window = 2;
  EXPECT_FALSE(at.hybrid->attach(at.memory, WindowRole::heap));
  EXPECT_THAT(at.hybrid->failure()->message, HasSubstr("window"));
  Crossing other;
  other.fabric->key = key_with(31, std::byte{1});
  EXPECT_FALSE(other.hybrid->attach(other.memory, WindowRole::heap));
}

TEST(HybridTransport, counts_what_goes_over_its_network_alone) {
  Crossing at;
  at.fabric->operations = 7;
  EXPECT_EQ(at.hybrid->network_traffic(Rank(0)).operations, 7U);
  EXPECT_EQ(at.hybrid->network_traffic(Rank(3)).operations, 0U);
  EXPECT_EQ(at.hybrid->network_traffic(Rank(9)).operations, 0U);
}

}  // namespace

}  // namespace rlx::hybrid
