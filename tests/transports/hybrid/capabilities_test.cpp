// What a hybrid says of itself: the weaker of each promise, the stronger of each demand.

#include <gmock/gmock.h>

#include "tests/transports/hybrid/one_way.hpp"
#include "transports/hybrid/hybrid_transport.hpp"

namespace rlx::hybrid {

namespace {

using test::OneWay;
using testing::ElementsAre;
using testing::HasSubstr;

TransportCapabilities mapped_kind() {
  TransportCapabilities offered;
  offered.name = "shm";
  offered.detail = "memfd";
  offered.inline_bytes = 64;
  offered.passive_target = true;
  offered.delivery_complete = true;
  offered.latency_us = 0.1;
  return offered;
}

TransportCapabilities fabric_kind() {
  TransportCapabilities offered;
  offered.name = "ofi";
  offered.detail = offered.fabric = "tcp on eth0 at 10.0.0.1";
  offered.medium = "tcp";
  offered.protocol = SignalProtocol::completion_data;
  offered.inline_bytes = 200;
  offered.max_put_bytes = 1 << 20;
  offered.lanes = 3;
  offered.local_registration = true;
  offered.hash_bits = 8;
  offered.latency_us = 5;
  return offered;
}

Ways both() {
  return {std::make_unique<OneWay>(Rank(1), 3, mapped_kind()),
          std::make_unique<OneWay>(Rank(1), 3, fabric_kind())};
}

TEST(Shape, counts_nodes_by_their_ranks_whatever_the_order) {
  EXPECT_EQ(shape_of(std::vector<std::uint32_t>{0, 1, 0, 1}), "2x2");
  EXPECT_EQ(shape_of(std::vector<std::uint32_t>{0, 1, 1}), "1x2+1x1");
  EXPECT_EQ(shape_of(std::vector<std::uint32_t>{0, 1, 2, 2, 2, 1}), "1x3+1x2+1x1");
  EXPECT_EQ(shape_of(std::vector<std::uint32_t>{0}), "1x1");
}

TEST(CombinedCapabilities, promise_what_both_ways_keep_and_demand_what_one_needs) {
  const auto offered = combined_capabilities(both(), Rank(1), std::vector<std::uint32_t>{0, 1, 1});
  EXPECT_EQ(offered.name, "hybrid");
  EXPECT_EQ(offered.protocol, SignalProtocol::completion_data);
  EXPECT_EQ(offered.inline_bytes, 64U);
  EXPECT_EQ(offered.max_put_bytes, std::size_t{1} << 20);
  EXPECT_EQ(offered.lanes, 3U);
  EXPECT_FALSE(offered.passive_target);
  EXPECT_FALSE(offered.delivery_complete);
  EXPECT_TRUE(offered.local_registration);
  EXPECT_EQ(offered.hash_bits, 8U);
  EXPECT_EQ(offered.latency_us, 5);
  EXPECT_EQ(offered.medium, "tcp, 1x2+1x1");
  EXPECT_THAT(offered.load_store, ElementsAre(false, true, true));
  EXPECT_EQ(offered.fabric, "tcp on eth0 at 10.0.0.1");
  EXPECT_THAT(offered.detail, HasSubstr("2 ranks of this node"));
  EXPECT_THAT(offered.detail, HasSubstr("1 rank by tcp on eth0"));
}

TEST(CombinedCapabilities, of_one_node_are_those_of_its_memory) {
  Ways ways = both();
  ways.fabric.reset();
  const auto offered = combined_capabilities(ways, Rank(0), std::vector<std::uint32_t>{0, 0, 0});
  EXPECT_EQ(offered.protocol, SignalProtocol::store);
  EXPECT_TRUE(offered.passive_target);
  EXPECT_EQ(offered.medium, "");
  EXPECT_EQ(offered.fabric, "");
  EXPECT_THAT(offered.load_store, ElementsAre(true, true, true));
}

TEST(CombinedCapabilities, of_a_rank_without_mates_are_those_of_the_network) {
  Ways ways = both();
  ways.mapped.reset();
  const auto offered = combined_capabilities(ways, Rank(0), std::vector<std::uint32_t>{0, 1, 1});
  EXPECT_EQ(offered.inline_bytes, 200U);
  EXPECT_THAT(offered.load_store, ElementsAre(true, false, false));
  EXPECT_EQ(offered.detail, "2 ranks by tcp on eth0 at 10.0.0.1");
}

}  // namespace

}  // namespace rlx::hybrid
