#pragma once
// The transport that a job of these ranks would have, made for a moment.

#include "tools/info/document.hpp"
#include "transports/transports.hpp"

namespace rlx::info {

/// One rank's row: rank, transport, signals (protocol), mapped and network (other ranks by how they
/// are reached), fabric (provider, interface and address; empty without a network); or rank and
/// `error`. setup.config is not used: it is the environment's. Collective over setup.exchange.
[[nodiscard]] Json describe_transport(TransportSetup setup);

/// The same of a transport that is there.
[[nodiscard]] Json describe_transport(const SymmetricTransport& transport);

}  // namespace rlx::info
