#pragma once
// Transports of several rails for tests.

#include <memory>
#include <string>
#include <utility>

#include "tests/transports/ofi/mock_world.hpp"
#include "transports/ofi/ofi_transport.hpp"

namespace rlx::test {

struct Rails {
  std::uint32_t count = 2;
  std::string interfaces{};
};

inline std::unique_ptr<SymmetricTransport> make_with(const TransportSetup& setup,
                                                     std::string provider, const Rails& rails,
                                                     const OfiOptions& options) {
  Config config;
  config.provider = std::move(provider);
  config.interface = rails.interfaces;
  config.rails = rails.count;
  TransportSetup named = setup;
  named.config = &config;
  return make_ofi(named, options);
}

inline MockPromises on_domains(MockPromises promises, std::size_t domains) {
  promises.domains = domains;
  return promises;
}

/// All ranks on one network that the test keeps.
inline TransportCase plain(MockNetwork& network, Rails rails, std::string provider = "mock") {
  return {"mock", [&network, rails, provider](const TransportSetup& setup) {
            return make_with(setup, provider, rails, {.fabric = &network.fabric()});
          }};
}

}  // namespace rlx::test
