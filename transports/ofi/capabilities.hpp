#pragma once
// What the transport says of itself, from its provider.

#include <cstddef>

#include "rlx/symmetric_transport.hpp"
#include "transports/ofi/endpoint.hpp"

namespace rlx::ofi {

/// Of one rail among `ranks` ranks.
[[nodiscard]] TransportCapabilities capabilities_of(const Endpoint& endpoint, std::size_t ranks);

/// Whether this rank's own core moves every byte, whatever the interface: then several interfaces
/// are no faster than the core.
[[nodiscard]] bool moves_by_core(const Endpoint& endpoint);

}  // namespace rlx::ofi
