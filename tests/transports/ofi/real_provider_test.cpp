// The conformance suite over the providers that every machine has, on loopback.

#include "tests/transports/transport_suite.hpp"
#include "transports/ofi/ofi_transport.hpp"

namespace rlx::test {

namespace {

TransportCase over(std::string name, std::string provider,
                   std::optional<SignalProtocol> protocol = {}) {
  return {std::move(name), [provider, protocol](const TransportSetup& setup) {
            Config config;
            config.provider = provider;
            TransportSetup named = setup;
            named.config = &config;
            return make_ofi(named, {.protocol = protocol});
          }};
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Ofi, TransportSuite,
                         testing::Values(over("tcp_rxm", "tcp;ofi_rxm"), over("net", "net"),
                                         over("shm", "shm")),
                         case_name);
INSTANTIATE_TEST_SUITE_P(
    OfiProtocols, TransportSuite,
    testing::Values(over("tcp_rxm_completion_data", "tcp;ofi_rxm", SignalProtocol::completion_data),
                    over("tcp_rxm_delivery", "tcp;ofi_rxm", SignalProtocol::delivery_complete),
                    over("shm_completion_data", "shm", SignalProtocol::completion_data),
                    over("shm_delivery", "shm", SignalProtocol::delivery_complete)),
    case_name);

}  // namespace rlx::test
