#include "transports/hybrid/make_hybrid.hpp"

#include <utility>

#include "lib/base/log.hpp"
#include "transports/hybrid/hybrid_transport.hpp"
#include "transports/shm/memory_limits.hpp"
#include "transports/shm/shm_transport.hpp"

namespace rlx {

namespace {

using shm::Meeting;

Meeting meet_here(const TransportSetup& setup) {
  Meeting meeting = shm::meet(setup, [] { return shm::available_memory(); });
  if (meeting.refusal_here && meeting.speaks)
    log::warn("{}: some ranks can not share memory and use libfabric between them: {}",
              meeting.cards[setup.rank.index()].identity.host.data(), meeting.refusal_here->why);
  return meeting;
}

std::unique_ptr<SymmetricTransport> make_over(const TransportSetup& setup, Meeting meeting,
                                              OfiOptions options) {
  const std::vector<std::uint32_t> node_of = meeting.node_of;
  const std::uint32_t mine = node_of[setup.rank.index()];
  const bool one_node = !meeting.refusal;
  hybrid::Ways ways;
  if (one_node || meeting.ranks_with(setup.rank) > 1)
    ways.mapped = make_shm_of(setup, std::move(meeting));
  if (!one_node) {
    for (const std::uint32_t node : node_of) options.reaches.push_back(node != mine);
    options.key_room = sizeof(WindowKey::bytes) - 1 - kShmKeyBytes;  // what a hybrid's key leaves
    ways.fabric = make_ofi(setup, options);
  }
  return std::make_unique<hybrid::HybridTransport>(setup.rank, node_of, std::move(ways));
}

}  // namespace

std::unique_ptr<SymmetricTransport> make_hybrid(const TransportSetup& setup) {
  return make_hybrid(setup, {});
}

std::unique_ptr<SymmetricTransport> make_hybrid(const TransportSetup& setup,
                                                const OfiOptions& options) {
  return make_over(setup, meet_here(setup), options);
}

std::unique_ptr<SymmetricTransport> make_by_nodes(const TransportSetup& setup) {
  Meeting meeting = meet_here(setup);
  const bool names_provider = !setup.config->provider.empty();
  if (!meeting.refusal && names_provider)
    return make_ofi(setup);  // who asks for one wants to see it
  if (!meeting.refusal) return make_shm_of(setup, std::move(meeting));
  if (meeting.nodes() == setup.size) return make_ofi(setup);
  return make_over(setup, std::move(meeting), {});
}

}  // namespace rlx
