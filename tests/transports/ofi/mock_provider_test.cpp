// The conformance suite over the mock provider: every signal protocol with every combination of
// memory registration modes that hardware providers demand, and with everything refused now and
// then. What the provider does not promise to order arrives in random order here.

#include "tests/transports/ofi/mock_provider.hpp"

#include <gtest/gtest.h>
#include <rdma/fi_domain.h>

#include <memory>
#include <vector>

#include "tests/transports/ofi/mock_world.hpp"
#include "tests/transports/transport_suite.hpp"

namespace rlx::test {

namespace {

struct Protocol {
  const char* name;
  SignalProtocol wanted;
  MockPromises promises;
};

const Protocol kProtocols[] = {
    {"ordered",
     SignalProtocol::ordered_write,
     {.msg_order = FI_ORDER_WAW, .ordered_bytes = ~std::size_t{0}, .completion_data = 8}},
    {"ordered_pieces",
     SignalProtocol::ordered_write,
     {.msg_order = FI_ORDER_RMA_WAW | FI_ORDER_WAW, .ordered_bytes = 4096}},
    {"stream",
     SignalProtocol::ordered_write,
     {.provider = "tcp;ofi_rxm",
      .msg_order = FI_ORDER_WAW,
      .ordered_bytes = ~std::size_t{0},
      .parts = 4}},
    {"stream_pieces",
     SignalProtocol::ordered_write,
     {.provider = "net",
      .msg_order = FI_ORDER_WAW,
      .ordered_bytes = 1 << 20,
      .largest = 10000,
      .parts = 2}},
    {"completion_data", SignalProtocol::completion_data, {.completion_data = 4, .inject = 0}},
    {"completion_data_acknowledged",
     SignalProtocol::completion_data,
     {.provider = "verbs;ofi_rxm", .completion_data = 4, .acknowledges = true}},
    {"completion_data_pieces",
     SignalProtocol::completion_data,
     {.completion_data = 8, .largest = 10000}},
    {"delivery_complete", SignalProtocol::delivery_complete, {}},
    {"delivery_complete_pieces", SignalProtocol::delivery_complete, {.largest = 10000}},
};

struct Modes {
  const char* name;
  int bits;
};
constexpr Modes kModes[] = {
    {"offset", 0},
    {"virtual", FI_MR_VIRT_ADDR},
    {"verbs", FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_PROV_KEY | FI_MR_ALLOCATED},
    {"cxi", FI_MR_ENDPOINT | FI_MR_ALLOCATED | FI_MR_PROV_KEY},
    {"all", FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_PROV_KEY | FI_MR_ALLOCATED | FI_MR_ENDPOINT},
};

std::vector<TransportCase> all_cases() {
  std::vector<TransportCase> cases;
  unsigned seed = 1;
  for (const Protocol& protocol : kProtocols) {
    for (const Modes& modes : kModes) {
      MockPromises promises = protocol.promises;
      promises.mr_mode = modes.bits;
      promises.mode = seed % 2 == 0 ? FI_CONTEXT2 : FI_CONTEXT;
      promises.refuse_one_in = seed % 3 == 0 ? 0 : 2 + seed % 3;
      if (seed % 4 == 0) promises.inject = 0;
      if (seed % 5 == 0) promises.depth = 4;
      promises.seed = seed++;
      cases.push_back(
          mock_case(std::string(protocol.name) + "_" + modes.name, promises, protocol.wanted));
    }
  }
  return cases;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Mock, TransportSuite, testing::ValuesIn(all_cases()), case_name);

}  // namespace rlx::test
