// Several rails: the conformance suite over all lanes, and what is lost with one rail.

#include "tests/transports/ofi/rails.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rdma/fi_domain.h>

#include <algorithm>
#include <atomic>

#include "tests/transports/ofi/every_lane.hpp"
#include "transports/ofi/rails_transport.hpp"

namespace rlx::test {

namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr int kVerbsModes = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_PROV_KEY | FI_MR_ALLOCATED;

/// The suite over all lanes of so many rails, over one mock network for each world.
TransportCase on_mock(std::string name, MockPromises promises, Rails rails) {
  promises.refuse_one_in = 3;
  return {std::move(name), [promises, rails](const TransportSetup& setup) {
            MockNetwork& network = shared_network(setup, promises);
            auto made = make_with(setup, promises.provider, rails, {.fabric = &network.fabric()});
            EXPECT_EQ(made->capabilities().lanes, 16 * std::max<std::size_t>(rails.count, 2));
            return std::make_unique<EveryLane>(std::move(made));
          }};
}

const MockPromises kOrdered{.msg_order = FI_ORDER_WAW, .ordered_bytes = ~std::size_t{0}};
const MockPromises kData{.mr_mode = kVerbsModes, .completion_data = 4, .inject = 0};
const MockPromises kDelivery{.mr_mode = FI_MR_ENDPOINT | FI_MR_PROV_KEY, .largest = 10000};

TransportCase on_loopback(std::string name, std::string provider, Rails rails,
                          std::optional<SignalProtocol> protocol = {}) {
  return {std::move(name), [=](const TransportSetup& setup) {
            return std::make_unique<EveryLane>(
                make_with(setup, provider, rails, {.protocol = protocol}));
          }};
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(
    MockRails, TransportSuite,
    testing::Values(on_mock("ordered_2", kOrdered, {2}), on_mock("data_3", kData, {3}),
                    on_mock("delivery_2", kDelivery, {2}),
                    on_mock("ordered_2_measured", on_domains(kOrdered, 2), {1, "mock0,mock1"}),
                    on_mock("data_4_measured", on_domains(kData, 3), {4, "mock2,mock0"}),
                    on_mock("delivery_3_measured", on_domains(kDelivery, 3),
                            {3, "mock0,mock1,mock2"})),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    OfiRails, TransportSuite,
    testing::Values(on_loopback("tcp_rxm_2", "tcp;ofi_rxm", {2}), on_loopback("net_3", "net", {3}),
                    on_loopback("tcp_rxm_data_2", "tcp;ofi_rxm", {2},
                                SignalProtocol::completion_data),
                    on_loopback("net_delivery_2", "net", {2}, SignalProtocol::delivery_complete)),
    case_name);

namespace {

std::uint64_t value(std::uint32_t part, std::uint64_t epoch = kFirstEpoch) {
  return SignalValue::make(epoch, part, 7);
}

TEST(Rails, carry_what_their_lanes_are_given) {
  MockNetwork network(kOrdered);
  run_ranks(plain(network, {4}), 2, [&](RankWorld& self) {
    const Rank peer(1 - self.rank().value());
    const std::uint32_t lanes = self.transport().capabilities().lanes;
    ASSERT_EQ(lanes, 64U);
    Completion completion;
    constexpr std::size_t kBytes = 3000;
    fill_pattern(self.heap().first(lanes * kBytes), self.rank().value());
    const std::size_t there = std::size_t{2} << 20;
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      self.insist([&] {
        return self.transport().put_signal(
            static_cast<Lane>(lane), self.on(peer, there + lane * kBytes),
            self.mine(lane * kBytes, kBytes), {peer, lane, value(1)}, completion);
      });
    }
    for (std::uint32_t lane = 0; lane < lanes; ++lane) self.wait_word(lane, 1);
    EXPECT_EQ(pattern_matches(self.heap().subspan(there, lanes * kBytes), peer.value()),
              lanes * kBytes);
    self.drain(completion);
    EXPECT_EQ(self.transport().network_traffic(peer).operations, lanes);
    EXPECT_EQ(self.transport().network_traffic(peer).bytes, lanes * kBytes);
    auto& rails = dynamic_cast<ofi::RailsTransport&>(self.transport());
    for (const auto& rail : rails.rails())
      EXPECT_EQ(rail->traffic(peer).operations, lanes / 4) << "a rail's even share";
  });
  EXPECT_EQ(network.busy_endpoints(), 8U);
  EXPECT_THAT(network.breaches(), testing::IsEmpty());
}

// What the engine does with the pieces of long messages: a word comes by another rail in each
// epoch.
TEST(Rails, let_a_word_change_its_lane_between_epochs) {
  for (const MockPromises& promises : {kOrdered, kData, kDelivery}) {
    MockNetwork network(promises);
    run_ranks(plain(network, {3}), 2, [&](RankWorld& self) {
      const Rank peer(1 - self.rank().value());
      for (std::uint64_t epoch = kFirstEpoch; epoch < kFirstEpoch + 40; ++epoch) {
        self.open_epoch(epoch);
        self.barrier();
        Completion completion;
        for (std::uint32_t part = 1; part <= 5; ++part) {
          self.insist([&] {
            return self.transport().put_signal(static_cast<Lane>(epoch), self.on(peer, part * 1000),
                                               self.mine(0, 100), {peer, 3, value(part, epoch)},
                                               completion);
          });
        }
        self.wait_word(3, 5, epoch);
        self.drain(completion);
        self.barrier();
      }
    });
    EXPECT_THAT(network.breaches(), testing::IsEmpty());
  }
}

class LostRail : public testing::TestWithParam<MockPromises> {};

TEST_P(LostRail, loses_its_peer_on_all_rails_and_nobody_else) {
  MockNetwork network(GetParam());
  run_ranks(plain(network, {2}), 3, [&](RankWorld& self) {
    SymmetricTransport& transport = self.transport();
    if (self.rank() == Rank(2)) network.kill_owner_of(self.heap().data());  // its first rail's
    self.barrier();
    if (self.rank() == Rank(0)) {
      Completion lost;
      self.poll_until(
          [&] {
            transport.put(0, self.on(Rank(2), 0), self.mine(0, 5000), lost);
            return transport.peer_failed(Rank(2));
          },
          "the loss");
      self.drain(lost);
      for (Lane lane = 0; lane < 4; ++lane) {
        Completion refused;
        EXPECT_EQ(transport.put(lane, self.on(Rank(2), 0), self.mine(0, 8), refused), Issue::failed)
            << lane;
        EXPECT_EQ(refused.issued.load(), 0U);
      }
      EXPECT_THAT(transport.failure()->message, AllOf(HasSubstr("rank 2"), HasSubstr("mock0")));
      EXPECT_EQ(transport.failure()->rank, Rank(2));
      EXPECT_FALSE(transport.peer_failed(Rank(1)));
      Completion good;
      for (std::uint32_t lane = 0; lane < 4; ++lane)
        self.insist([&] {
          return transport.signal(static_cast<Lane>(lane), {Rank(1), lane, value(1)}, good);
        });
      self.drain(good);
    }
    if (self.rank() == Rank(1))
      for (std::uint32_t lane = 0; lane < 4; ++lane) self.wait_word(lane, 1);
  });
  EXPECT_THAT(network.breaches(), testing::IsEmpty());
}

// The rail that lives gives its peer up too, with what waits there.
TEST_P(LostRail, ends_what_waits_on_the_others) {
  MockPromises promises = GetParam();
  promises.largest = 1000;
  promises.depth = 8;
  MockNetwork network(promises);
  std::atomic<bool> issued{false};
  std::atomic<bool> told{false};
  run_ranks(plain(network, {2}), 2, [&](RankWorld& self) {
    SymmetricTransport& transport = self.transport();
    if (self.rank() == Rank(1)) {
      while (!issued.load()) std::this_thread::yield();
      network.kill_owner_of(self.heap().data());
      self.poll_until([&] { return told.load(); }, "the other rank");
      return;
    }
    const ofi::Rail& other = *dynamic_cast<ofi::RailsTransport&>(transport).rails()[1];
    Completion completion;
    const auto put = [&](Lane lane) {
      return transport.put(lane, self.on(Rank(1), 0), self.mine(0, 100000), completion);
    };
    self.insist([&] { return put(1); });  // more than the queue takes: the rest waits
    self.insist([&] { return put(0); });
    issued.store(true);
    self.poll_until(
        [&] {
          if (!transport.peer_failed(Rank(1))) put(0);
          return other.has_failed(Rank(1)) && completion.drained();
        },
        "the end of all");
    told.store(true);
  });
  EXPECT_THAT(network.breaches(), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Protocols, LostRail,
                         testing::Values(kOrdered, MockPromises{.completion_data = 4},
                                         MockPromises{}));

}  // namespace

}  // namespace rlx::test
