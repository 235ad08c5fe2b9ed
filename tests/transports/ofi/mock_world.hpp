#pragma once
// Ranks of the conformance suite over one mock network.

#include <memory>
#include <optional>
#include <string>

#include "tests/transports/ofi/mock_provider.hpp"
#include "tests/transports/transport_suite.hpp"

namespace rlx::test {

/// The network that rank 0 makes for all ranks of this world; it lives until the end of the current
/// test, which fails if the network noted a breach.
[[nodiscard]] MockNetwork& shared_network(const TransportSetup& setup,
                                          const MockPromises& promises);

/// A case of the suite. `expected` is the protocol that must follow from the promises.
[[nodiscard]] TransportCase mock_case(std::string name, const MockPromises& promises,
                                      SignalProtocol expected);

}  // namespace rlx::test
