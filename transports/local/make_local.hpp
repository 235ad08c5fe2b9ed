#pragma once
// The local transport as an entry of the table.

#include <memory>

#include "transports/transports.hpp"

namespace rlx {

/// Ranks are threads of one process; nothing is attached yet. Throws CollectiveError(Launch) naming
/// the first rank that runs in another process.
[[nodiscard]] std::unique_ptr<SymmetricTransport> make_local(const TransportSetup& setup);

}  // namespace rlx
