// Choosing addresses and protocols, as pure functions; and what this machine's library offers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rdma/fi_domain.h>

#include <algorithm>
#include <cstring>

#include "transports/common/process_identity.hpp"
#include "transports/ofi/interfaces.hpp"
#include "transports/ofi/provider.hpp"
#include "transports/ofi/provider_info.hpp"

namespace rlx::ofi {

namespace {

using testing::HasSubstr;

Address address(const char* interface, std::array<std::uint8_t, 4> bytes, std::uint8_t prefix) {
  Address made;
  std::strncpy(made.interface.data(), interface, made.interface.size() - 1);
  std::copy(bytes.begin(), bytes.end(), made.bytes.begin());
  made.family = 4;
  made.prefix = prefix;
  made.loopback = bytes[0] == 127;
  return made;
}

const Address kLoopback = address("lo", {127, 0, 0, 1}, 8);
const Address kBridge = address("docker0", {172, 17, 0, 1}, 16);

Neighbour node(std::uint32_t network) {
  const auto number = static_cast<std::uint8_t>(network + 1);
  return {{kLoopback, kBridge, address("eth0", {10, 1, number, 5}, 20),
           address("fast0", {10, 9, 0, number}, 24)},
          network};
}

TEST(ChooseAddress, takes_loopback_where_all_ranks_share_a_network_stack) {
  const std::vector<Neighbour> ranks{node(0), node(0)};
  EXPECT_EQ(choose_address(ranks, 1, "").address.text(), "127.0.0.1");
}

TEST(ChooseAddress, passes_over_bridges_that_every_machine_has_for_itself) {
  const std::vector<Neighbour> ranks{node(0), node(1), node(1)};
  EXPECT_EQ(choose_address(ranks, 0, "").address.text(), "10.1.1.5");
  EXPECT_EQ(choose_address(ranks, 2, "").address.text(), "10.1.2.5");
}

TEST(ChooseAddress, takes_the_next_subnet_when_one_rank_has_no_address_in_the_first) {
  std::vector<Neighbour> ranks{node(0), node(1), node(2)};
  ranks[1].addresses[2] = {};
  EXPECT_EQ(choose_address(ranks, 0, "").address.text(), "10.9.0.1");
  EXPECT_EQ(choose_address(ranks, 1, "").address.text(), "10.9.0.2");
}

TEST(ChooseAddress, takes_the_first_address_where_no_subnet_is_common) {
  std::vector<Neighbour> ranks{node(0), node(1)};
  ranks[1].addresses = {kLoopback, address("eth7", {192, 168, 4, 4}, 24)};
  const AddressChoice choice = choose_address(ranks, 1, "");
  EXPECT_EQ(choice.address.text(), "192.168.4.4");
  EXPECT_THAT(choice.reason, HasSubstr("no subnet"));
}

TEST(ChooseAddress, follows_an_interface_by_name_and_an_address_by_its_subnet) {
  const std::vector<Neighbour> ranks{node(0), node(1)};
  EXPECT_EQ(choose_address(ranks, 1, "fast0").address.text(), "10.9.0.2");
  EXPECT_EQ(choose_address(ranks, 1, "10.9.0.1").address.text(), "10.9.0.2");
  EXPECT_EQ(choose_address(ranks, 0, "10.9.0.1").address.text(), "10.9.0.1");
}

TEST(ChooseAddress, says_what_there_is_when_the_interface_is_unknown) {
  const std::vector<Neighbour> ranks{node(0), node(1)};
  const AddressChoice choice = choose_address(ranks, 1, "ib3");
  EXPECT_FALSE(choice.address.valid());
  EXPECT_THAT(choice.reason, testing::AllOf(HasSubstr("ib3"), HasSubstr("fast0")));
}

TEST(ChooseAddress, compares_subnets_by_their_bits) {
  EXPECT_TRUE(address("a", {10, 1, 16, 1}, 20).same_subnet(address("b", {10, 1, 31, 9}, 20)));
  EXPECT_FALSE(address("a", {10, 1, 16, 1}, 20).same_subnet(address("b", {10, 1, 32, 9}, 20)));
  EXPECT_FALSE(address("a", {10, 1, 16, 1}, 20).same_subnet(address("b", {10, 1, 16, 9}, 24)));
}

struct Promise {
  std::string provider = "verbs;ofi_rxm";
  std::uint64_t order = 0;
  std::size_t ordered_bytes = 0;
  std::size_t data_bytes = 0;
  int mr_mode = 0;
  std::size_t parts = 4;
};

ProtocolChoice choice_for(const Promise& promise,
                          std::optional<SignalProtocol> wanted = std::nullopt) {
  const InfoPtr info(fi_allocinfo());
  info->fabric_attr->prov_name = ::strdup(promise.provider.c_str());
  info->tx_attr->msg_order = promise.order;
  info->tx_attr->inject_size = 64;
  info->tx_attr->iov_limit = info->tx_attr->rma_iov_limit = promise.parts;
  info->ep_attr->max_msg_size = std::size_t{1} << 30;
  info->ep_attr->max_order_waw_size = promise.ordered_bytes;
  info->domain_attr->cq_data_size = promise.data_bytes;
  info->domain_attr->mr_mode = promise.mr_mode;
  info->domain_attr->mr_key_size = 8;
  return choose_protocol(*info, wanted);
}

constexpr std::size_t kAny = ~std::size_t{0};

TEST(ChooseProtocol, follows_from_what_is_promised) {
  using enum SignalProtocol;
  EXPECT_EQ(choice_for({"tcp;ofi_rxm", FI_ORDER_WAW, kAny, 8}).protocol, ordered_write);
  EXPECT_EQ(choice_for({"cxi", FI_ORDER_RMA_WAW, kAny, 8}).protocol, ordered_write);
  EXPECT_EQ(choice_for({"efa", 0, 0, 4}).protocol, completion_data);
  EXPECT_EQ(choice_for({"psm3", FI_ORDER_WAW, 4096, 8}).protocol, completion_data);
  EXPECT_EQ(choice_for({"opx", FI_ORDER_WAW, kAny, 4}).protocol, completion_data);
  EXPECT_EQ(choice_for({"shm", FI_ORDER_SAS, 0, 0}).protocol, delivery_complete);
  EXPECT_EQ(choice_for({"x", FI_ORDER_WAW, 0, 8}).protocol, completion_data);
}

TEST(ChooseProtocol, cuts_writes_to_what_is_ordered) {
  const auto choice = choice_for({"psm3", FI_ORDER_WAW, 4096, 0});
  EXPECT_EQ(choice.protocol, SignalProtocol::ordered_write);
  EXPECT_EQ(choice.chunk_bytes, 4096U);
  EXPECT_EQ(choice_for({"efa", 0, 0, 4}).chunk_bytes, std::size_t{1} << 30);
}

TEST(ChooseProtocol, injects_only_where_that_is_promised) {
  EXPECT_EQ(choice_for({"tcp", FI_ORDER_WAW, kAny, 8}).inject_bytes, 56U);  // and the word
  EXPECT_EQ(choice_for({"tcp", FI_ORDER_WAW, kAny, 8, 0, 1}).inject_bytes, 64U);
  EXPECT_EQ(choice_for({"verbs", 0, 0, 4}).inject_bytes, 64U);
  EXPECT_EQ(choice_for({"efa", 0, 0, 4}).inject_bytes, 0U);
  EXPECT_EQ(choice_for({"x", 0, 0, 0}).inject_bytes, 0U);
}

TEST(ChooseProtocol, puts_bytes_and_word_in_one_message_only_where_a_stream_keeps_their_order) {
  EXPECT_TRUE(choice_for({"tcp;ofi_rxm", FI_ORDER_WAW, kAny, 8}).word_with_data);
  EXPECT_TRUE(choice_for({"net", FI_ORDER_WAW, kAny, 8}).word_with_data);
  EXPECT_FALSE(choice_for({"shm", FI_ORDER_WAW, kAny, 8}).word_with_data);
  EXPECT_FALSE(choice_for({"tcp", FI_ORDER_WAW, kAny, 8, 0, 1}).word_with_data);
  EXPECT_FALSE(choice_for({"tcp", FI_ORDER_WAW, kAny, 8, FI_MR_LOCAL}).word_with_data);
  EXPECT_FALSE(
      choice_for({"tcp", FI_ORDER_WAW, kAny, 8}, SignalProtocol::completion_data).word_with_data);
}

TEST(ChooseProtocol, refuses_what_can_not_work_with_a_reason) {
  const auto verbs = choice_for({"verbs;ofi_rxm", 0, 0, 0});
  EXPECT_FALSE(verbs.possible);  // takes delivery-complete and does not mean it
  EXPECT_THAT(verbs.reason, HasSubstr("neither order"));
  EXPECT_THAT(choice_for({"ucx", FI_ORDER_WAW, kAny, 8, FI_MR_RAW}).reason, HasSubstr("raw"));
  EXPECT_THAT(choice_for({"x", FI_ORDER_WAW, kAny, 8, FI_MR_RMA_EVENT}).reason,
              HasSubstr("registration modes"));
  EXPECT_FALSE(choice_for({"efa", 0, 0, 4}, SignalProtocol::ordered_write).possible);
}

TEST(Providers, of_this_machine_are_described_with_their_promises) {
  const auto rows = describe_providers();
  const auto tcp = std::find_if(rows.begin(), rows.end(), [](const ProviderInfo& row) {
    return core_name(row.name) == "tcp" && row.usable;
  });
  ASSERT_NE(tcp, rows.end());
  EXPECT_THAT(tcp->order, testing::Contains("WAW"));
  EXPECT_GE(tcp->completion_data_bytes, 4U);
  EXPECT_EQ(tcp->protocol, SignalProtocol::ordered_write);
  EXPECT_FALSE(tcp->address.empty());
  EXPECT_TRUE(
      std::any_of(rows.begin(), rows.end(), [](const ProviderInfo& row) { return row.preferred; }));
}

TEST(Providers, bind_the_address_that_was_chosen) {
  const Candidate candidate =
      select_candidate(Fabric::system(), {.provider = "tcp", .address = "127.0.0.1"});
  EXPECT_EQ(address_text(candidate.info->addr_format, candidate.info->src_addr,
                         candidate.info->src_addrlen),
            "127.0.0.1");
  EXPECT_EQ(candidate.protocol.protocol, SignalProtocol::ordered_write);
}

TEST(ProcessIdentity, is_that_of_this_process) {
  const detail::ProcessIdentity me = detail::ProcessIdentity::mine();
  EXPECT_TRUE(me.same_pids(detail::ProcessIdentity::mine()));
  EXPECT_GT(me.start_time, 0U);
  EXPECT_EQ(me.start_time, detail::start_time_of(me.pid));
  EXPECT_EQ(detail::start_time_of(0x3fffffff), 0U);
}

}  // namespace

}  // namespace rlx::ofi
