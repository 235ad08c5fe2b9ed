#pragma once
// Opening the rails of this rank: one endpoint each, on the interfaces that were agreed on.

#include <cstddef>
#include <string>
#include <vector>

#include "transports/ofi/ofi_transport.hpp"
#include "transports/ofi/rails_transport.hpp"
#include "transports/ofi/wiring.hpp"

namespace rlx::ofi {

/// What a rank has opened, or what is wrong.
struct RailSet {
  std::vector<OpenedRail> rails;  ///< without the peers' addresses
  RailNames names;
  Report report;
  std::string text;  ///< the provider's name, or what is wrong
  std::string why;   ///< this protocol
};

/// As many rails as the plan has and this provider can have: one of libfabric's shm, which has no
/// interfaces, and as many as have room for their keys where the provider chooses those. Throws
/// nothing of what may differ between ranks: see RailSet::report.
[[nodiscard]] RailSet open_rails(Fabric& fabric, const TransportSetup& setup,
                                 const OfiOptions& options, const Plan& plan);

/// What the peers opened. Throws CollectiveError(Transport).
void insert_addresses(RailSet& set, const TransportSetup& setup, const OfiOptions& options,
                      const std::vector<RailNames>& names);

}  // namespace rlx::ofi
