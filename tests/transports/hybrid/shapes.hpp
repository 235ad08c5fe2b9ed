#pragma once
// Hybrid transports on one machine that pretends to be several nodes.

#include <memory>
#include <string>
#include <vector>

#include "rlx/config.hpp"
#include "transports/hybrid/make_hybrid.hpp"

namespace rlx::test {

/// `nodes` as RLX_NODES.
inline std::unique_ptr<SymmetricTransport> make_on_nodes(const TransportSetup& given,
                                                         const std::string& nodes,
                                                         const OfiOptions& options = {}) {
  Config config = *given.config;
  config.nodes = nodes;
  TransportSetup setup = given;
  setup.config = &config;
  return make_hybrid(setup, options);
}

}  // namespace rlx::test
