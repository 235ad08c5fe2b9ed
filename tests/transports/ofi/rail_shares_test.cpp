// Lanes to rails, keys of several rails, addresses as they are told, and who measures with whom: as
// pure functions.

#include "transports/ofi/rail_shares.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>

#include "transports/ofi/interfaces.hpp"
#include "transports/ofi/link_speed.hpp"
#include "transports/ofi/window_keys.hpp"

namespace rlx::ofi {

namespace {

using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;

std::size_t lanes_of(std::span<const std::uint8_t> table, std::size_t rail) {
  return static_cast<std::size_t>(std::ranges::count(table, rail));
}

TEST(LaneTable, of_one_rail_has_one_lane) {
  EXPECT_THAT(lane_table(std::vector<double>{1.0}), ElementsAre(0));
}

TEST(LaneTable, of_equal_rails_takes_them_in_turn_exactly) {
  for (std::size_t rails = 2; rails <= kMostRails; ++rails) {
    const auto table = lane_table(std::vector<double>(rails, 1.0 / static_cast<double>(rails)));
    ASSERT_EQ(table.size(), rails * kLanesPerRail);
    for (std::size_t lane = 0; lane < table.size(); ++lane)
      EXPECT_EQ(table[lane], lane % rails) << rails << " rails";
  }
}

TEST(LaneTable, spreads_three_to_one_as_evenly_as_that_goes) {
  const auto table = lane_table(std::vector<double>{0.25, 0.75});
  EXPECT_THAT(std::vector(table.begin(), table.begin() + 8), ElementsAre(1, 0, 1, 1, 1, 0, 1, 1));
}

TEST(LaneTable, leaves_out_a_rail_that_would_only_hold_up_the_others) {
  const auto table = lane_table(std::vector<double>{0.001, 0.999});
  EXPECT_THAT(table, Each(1));
}

RC_GTEST_PROP(LaneTable, gives_each_rail_its_share_of_any_run_of_lanes, ()) {
  const auto rails = *rc::gen::inRange<std::size_t>(2, kMostRails + 1);
  const auto raw = *rc::gen::container<std::vector<int>>(rails, rc::gen::inRange(1, 1000));
  const double sum = std::accumulate(raw.begin(), raw.end(), 0.0);
  std::vector<double> shares;
  for (const int one : raw) shares.push_back(one / sum);
  const auto table = lane_table(shares);
  RC_ASSERT(table.size() == rails * kLanesPerRail);
  const auto most = std::max_element(shares.begin(), shares.end()) - shares.begin();
  RC_ASSERT(lanes_of(table, table[0]) >= lanes_of(table, static_cast<std::size_t>(most)));
  for (std::size_t rail = 0; rail < rails; ++rail) {
    // Nobody could take a lane of the slowest and be done before it.
    for (std::size_t other = 0; other < rails; ++other)
      RC_ASSERT(static_cast<double>(lanes_of(table, rail)) / shares[rail] <=
                static_cast<double>(lanes_of(table, other) + 1) / shares[other] * (1 + 1e-9));
    // A run of lanes, as the pieces of one message take: no rail is ever far behind or ahead.
    double count = 0;
    for (std::size_t lane = 0; lane < 2 * table.size(); ++lane) {
      count += table[lane % table.size()] == rail ? 1 : 0;
      const double due = static_cast<double>(lanes_of(table, rail)) *
                         static_cast<double>(lane + 1) / static_cast<double>(table.size());
      RC_ASSERT(std::abs(count - due) <= static_cast<double>(rails) / 2);
    }
  }
}

TEST(RailShares, follow_the_speeds_of_the_interfaces_and_are_even_on_one) {
  const std::uint8_t two[] = {0, 1};
  EXPECT_THAT(rail_shares(std::vector<double>{1000, 250}, two), ElementsAre(0.8, 0.2));
  const std::uint8_t four[] = {0, 1, 0, 1};
  EXPECT_THAT(rail_shares(std::vector<double>{1000, 250}, four), ElementsAre(0.4, 0.1, 0.4, 0.1));
  const std::uint8_t uneven[] = {0, 0, 1};
  EXPECT_THAT(rail_shares(std::vector<double>{1000, 1000}, uneven), ElementsAre(0.25, 0.25, 0.5));
}

TEST(RailShares, are_equal_where_speeds_are_alike_or_one_is_not_known) {
  const std::uint8_t two[] = {0, 1};
  EXPECT_THAT(rail_shares(std::vector<double>{1000, 700}, two), ElementsAre(0.5, 0.5));
  EXPECT_THAT(rail_shares(std::vector<double>{1000, 0}, two), ElementsAre(0.5, 0.5));
}

TEST(RailShares, say_how_much_faster_all_interfaces_are_than_one) {
  const std::uint8_t two[] = {0, 1, 0};
  EXPECT_DOUBLE_EQ(gain_of(std::vector<double>{0.25, 0.5, 0.25}, two), 2);
  EXPECT_DOUBLE_EQ(gain_of(std::vector<double>{0.4, 0.2, 0.4}, two), 1.25);
  const std::uint8_t one[] = {0, 0, 0};
  EXPECT_DOUBLE_EQ(gain_of(std::vector<double>{0.4, 0.2, 0.4}, one), 1);
}

TEST(SteadySpeeds, compare_interfaces_within_a_turn) {
  // The machine gets slower by and by; one turn is disturbed on one interface.
  const double turns[] = {1000, 500, 800, 400, 100, 300, 400, 200, 200, 100};
  const auto speeds = steady_speeds(turns, 2);
  EXPECT_DOUBLE_EQ(speeds[0], 2 * speeds[1]);
  EXPECT_DOUBLE_EQ(speeds[0], 400);
}

TEST(SteadySpeeds, are_none_where_nothing_was_measured) {
  const double none[] = {0, 0, 0, 0};
  EXPECT_THAT(steady_speeds(none, 2), ElementsAre(0, 0));
}

TEST(AgreedSpeeds, are_a_nodes_median_and_of_nodes_the_slowest) {
  const std::uint32_t node_of[] = {0, 0, 0, 1, 1, 1};
  // A rank that was held up counts for nothing, a node with a slow interface for everything.
  const double figures[] = {10, 20, 11, 22, 1, 2, 12, 9, 11, 8, 13, 10};
  EXPECT_THAT(agreed_speeds(figures, 2, node_of), ElementsAre(10, 9));
}

TEST(AgreedSpeeds, leave_out_ranks_that_measured_nothing) {
  const std::uint32_t node_of[] = {0, 0, 1};
  const double figures[] = {0, 0, 5, 6, 0, 0};
  EXPECT_THAT(agreed_speeds(figures, 2, node_of), ElementsAre(5, 6));
  const double none[] = {0, 0, 0, 0, 0, 0};
  EXPECT_THAT(agreed_speeds(none, 2, node_of), ElementsAre(0, 0));
}

TEST(Interfaces, of_rails_survive_being_packed) {
  const std::vector<std::uint8_t> of{0, 1, 2, 0, 7, 6, 5, 4};
  EXPECT_EQ(unpack_interfaces(pack_interfaces(of), of.size()), of);
}

RC_GTEST_PROP(PutTargets, are_of_other_nodes_and_nobody_has_two_sources, ()) {
  const auto ranks = *rc::gen::inRange<std::size_t>(1, 40);
  const auto node_of =
      *rc::gen::container<std::vector<std::uint32_t>>(ranks, rc::gen::inRange(0U, 6U));
  const auto targets = put_targets(node_of);
  RC_ASSERT(targets.size() == ranks);
  std::size_t largest = 0;
  for (std::uint32_t node = 0; node < 6; ++node)
    largest =
        std::max<std::size_t>(largest, static_cast<std::size_t>(std::ranges::count(node_of, node)));
  std::set<std::uint32_t> taken;
  for (std::size_t i = 0; i < ranks; ++i) {
    RC_ASSERT(targets[i].has_value() || largest > ranks / 2);
    if (!targets[i]) continue;
    RC_ASSERT(node_of[targets[i]->index()] != node_of[i]);
    RC_ASSERT(taken.insert(targets[i]->value()).second);
  }
}

RC_GTEST_PROP(WindowKeys, come_back_as_they_were, ()) {
  const auto rails = *rc::gen::inRange<std::size_t>(1, kMostRails + 1);
  const auto bits = *rc::gen::inRange(1, 65);
  WindowKeys keys{*rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 48),
                  *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 48)};
  for (std::size_t rail = 0; rail < rails; ++rail)
    keys.add(*rc::gen::arbitrary<std::uint64_t>() >> (64 - bits));
  const std::size_t bytes = (static_cast<std::size_t>(bits) + 7) / 8;
  const auto written = write_keys(keys);
  if (rails <= rails_that_fit(bytes, sizeof(WindowKey::bytes))) RC_ASSERT(written.has_value());
  if (!written) return;
  RC_ASSERT(read_keys(*written, rails) == keys);
  RC_ASSERT(!read_keys(*written, rails % kMostRails + 1).has_value());
  if (rails <= rails_that_fit(bytes, 38)) RC_ASSERT(written->length <= 38U);
}

TEST(WindowKeys, of_a_provider_leave_room_for_these_rails) {
  EXPECT_EQ(rails_that_fit(8, sizeof(WindowKey::bytes)), 6U);
  EXPECT_EQ(rails_that_fit(4, sizeof(WindowKey::bytes)), 12U);
  EXPECT_EQ(rails_that_fit(8, 38), 3U);  // beside the key of mapped memory
}

TEST(WindowKeys, refuse_what_is_too_far_or_no_key) {
  EXPECT_FALSE(write_keys({std::uint64_t{1} << 48, 1, 1, {1}}));
  WindowKeys wide{0, 1};
  for (int rail = 0; rail < 7; ++rail) wide.add(~std::uint64_t{0});
  EXPECT_FALSE(write_keys(wide));
  EXPECT_FALSE(read_keys(WindowKey{}, 1));
}

Address address(const char* interface, std::array<std::uint8_t, 4> bytes, std::uint8_t link) {
  Address made;
  std::strncpy(made.interface.data(), interface, made.interface.size() - 1);
  std::copy(bytes.begin(), bytes.end(), made.bytes.begin());
  made.family = 4;
  made.prefix = 24;
  made.loopback = bytes[0] == 127;
  made.link = link;
  return made;
}

Address address6(std::uint8_t last, std::uint8_t link) {
  Address made;
  made.bytes = {0xfd, 0, 0, 0, 0, 0, 0, link};
  made.bytes[15] = last;
  made.family = 6;
  made.prefix = 64;
  made.link = link;
  return made;
}

Neighbour node(std::uint32_t network) {
  const auto number = static_cast<std::uint8_t>(network + 1);
  return {{address("lo", {127, 0, 0, 1}, 1), address("eth0", {10, 0, 0, number}, 2),
           address("eth0", {10, 7, 0, number}, 2), address("eth1", {10, 1, 0, number}, 3),
           address("docker0", {172, 17, 0, 1}, 4), address("eth2", {10, 2, 0, number}, 5),
           address6(number, 2), address6(number, 3)},
          network};
}

std::vector<std::string> texts(const std::vector<AddressChoice>& choices) {
  std::vector<std::string> found;
  for (const AddressChoice& choice : choices)
    found.push_back(choice.address.valid() ? choice.address.text() : choice.reason);
  return found;
}

TEST(ChooseAddresses, takes_one_subnet_of_each_interface_in_turn) {
  const std::vector<Neighbour> ranks{node(0), node(1)};
  const std::vector<std::string> none;
  EXPECT_THAT(texts(choose_addresses(ranks, 1, none, 1)), ElementsAre("10.0.0.2"));
  EXPECT_THAT(texts(choose_addresses(ranks, 1, none, 2)), ElementsAre("10.0.0.2", "10.1.0.2"));
  EXPECT_THAT(texts(choose_addresses(ranks, 0, none, 5)),
              ElementsAre("10.0.0.1", "10.1.0.1", "10.2.0.1", "10.0.0.1", "10.1.0.1"));
}

TEST(ChooseAddresses, passes_over_an_interface_that_a_rank_lacks) {
  std::vector<Neighbour> ranks{node(0), node(1)};
  ranks[1].addresses[3] = {};
  EXPECT_THAT(texts(choose_addresses(ranks, 0, {}, 2)), ElementsAre("10.0.0.1", "10.2.0.1"));
}

TEST(ChooseAddresses, shares_loopback_where_all_ranks_are_on_one_node) {
  const std::vector<Neighbour> ranks{node(0), node(0)};
  EXPECT_THAT(texts(choose_addresses(ranks, 0, {}, 3)), Each(std::string("127.0.0.1")));
}

TEST(ChooseAddresses, takes_the_names_of_a_list_in_turn) {
  const std::vector<Neighbour> ranks{node(0), node(1)};
  const auto names = names_in(" eth1, 10.0.0.1 ,,");
  EXPECT_THAT(names, ElementsAre("eth1", "10.0.0.1"));
  EXPECT_THAT(texts(choose_addresses(ranks, 1, names, 3)),
              ElementsAre("10.1.0.2", "10.0.0.2", "10.1.0.2"));
}

TEST(ChooseAddresses, says_which_name_of_a_list_is_unknown) {
  const std::vector<Neighbour> ranks{node(0), node(1)};
  const auto choices = choose_addresses(ranks, 1, names_in("eth0,ib7"), 2);
  EXPECT_TRUE(choices[0].address.valid());
  EXPECT_FALSE(choices[1].address.valid());
  EXPECT_THAT(choices[1].reason,
              testing::AllOf(testing::HasSubstr("RLX_INTERFACE=ib7"), testing::HasSubstr("eth2")));
}

TEST(PackedAddresses, hold_all_but_names) {
  const Addresses mine = node(3).addresses;
  const Addresses told = unpack(pack(mine));
  for (std::size_t i = 0; i < mine.size(); ++i) {
    EXPECT_EQ(told[i].valid(), mine[i].valid()) << i;
    if (!mine[i].valid()) continue;
    EXPECT_EQ(told[i].text(), mine[i].text());
    EXPECT_TRUE(told[i].same_subnet(mine[i]));
    EXPECT_EQ(told[i].link, mine[i].link);
    EXPECT_EQ(told[i].loopback, mine[i].loopback);
    EXPECT_EQ(told[i].name(), "");
  }
}

TEST(PackedAddresses, leave_out_what_does_not_fit) {
  Addresses many{};
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = address6(9, static_cast<std::uint8_t>(i));
  const Addresses told = unpack(pack(many));
  EXPECT_EQ(std::ranges::count_if(told, [](const Address& a) { return a.valid(); }), 5);
}

}  // namespace

}  // namespace rlx::ofi
