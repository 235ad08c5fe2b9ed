#pragma once
// The first communicator of a Context.

#include <memory>

#include "lib/communicator/communicator_state.hpp"

namespace rlx::detail {

/// Context and world communicator over a bootstrap. Collective. Throws Launch, WireVersion, and
/// what the transport throws, naming ranks.
[[nodiscard]] std::shared_ptr<CommunicatorState> wire_world(Bootstrap& bootstrap,
                                                            const CommunicatorOptions& options);
/// The same, in `context` where every rank of the bootstrap is one of its ranks.
[[nodiscard]] std::shared_ptr<CommunicatorState> wire_again(Bootstrap& bootstrap,
                                                            const CommunicatorOptions& options,
                                                            std::weak_ptr<Context>& context);
/// The communicator of all ranks of a bare transport.
[[nodiscard]] std::shared_ptr<CommunicatorState> wire_over(std::shared_ptr<Context> context,
                                                           Rank me, std::size_t size);

}  // namespace rlx::detail
