// The hybrid transport in the conformance suite: with node mates only, with none, and with some, by
// every protocol, and under the decorator that does whatever is permitted. The suite's pairs are
// ranks 0 and 1; with "0,1,1,0" they go over the network and two others share memory.

#include "tests/transports/hybrid/shapes.hpp"
#include "tests/transports/transport_suite.hpp"
#include "transports/faulty/faulty_transport.hpp"

namespace rlx::test {

namespace {

TransportCase on(std::string name, std::string nodes,
                 std::optional<SignalProtocol> protocol = std::nullopt) {
  return {std::move(name), [nodes, protocol](const TransportSetup& setup) {
            OfiOptions options;
            options.protocol = protocol;
            return make_on_nodes(setup, nodes, options);
          }};
}

TransportCase faulty_on(std::string name, std::string nodes) {
  return {std::move(name), [nodes](const TransportSetup& setup) {
            return make_faulty(make_on_nodes(setup, nodes),
                               "reorder,jitter=200us,busy=0.1,late,seed=6");
          }};
}

INSTANTIATE_TEST_SUITE_P(
    Hybrid, TransportSuite,
    testing::Values(on("all_mates", "0"), on("no_mates", "0,1,2,3"), on("two_and_two", "0,0,1,1"),
                    on("two_and_two_crosswise", "0,1,1,0"),
                    on("completion_data", "0,1,1,0", SignalProtocol::completion_data),
                    on("delivery_complete", "0,1,0,1", SignalProtocol::delivery_complete),
                    faulty_on("faulty", "0,1,1,0")),
    case_name);

}  // namespace

}  // namespace rlx::test
