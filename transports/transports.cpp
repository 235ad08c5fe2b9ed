#include "transports/transports.hpp"

#include <fmt/core.h>

#include <string>

#include "lib/base/log.hpp"
#include "rlx/error.hpp"
#include "transports/local/make_local.hpp"
#include "transports/shm/shm_transport.hpp"
#if RLX_HAVE_OFI
#include "transports/ofi/ofi_transport.hpp"
#endif

namespace rlx {

namespace {

// Best first.
constexpr TransportEntry kTransports[] = {
    {"shm", "mapped memory, between processes of one node", make_shm},
#if RLX_HAVE_OFI
    {"ofi", "libfabric one-sided operations, between processes and nodes", make_ofi},
#endif
    {"local", "ranks are threads of one process", make_local},
};

#if RLX_HAVE_OFI
// Who names a libfabric provider wants libfabric. Ranks of several machines need no word about it,
// ranks of one that can not share memory are slower than they could be.
std::unique_ptr<SymmetricTransport> make_best(const TransportSetup& setup) {
  if (!setup.config->provider.empty()) return make_ofi(setup);
  ShmAttempt attempt = try_shm(setup);
  if (attempt.transport) return std::move(attempt.transport);
  if (attempt.refusal->same_host && setup.rank.value() == 0)
    log::warn("ranks of this node can not share memory and use libfabric instead: {}",
              attempt.refusal->why);
  return make_ofi(setup);
}
#else
std::unique_ptr<SymmetricTransport> make_best(const TransportSetup& setup) {
  return make_shm(setup);
}
#endif

}  // namespace

std::span<const TransportEntry> transports() { return kTransports; }

std::unique_ptr<SymmetricTransport> make_transport(std::string_view name,
                                                   const TransportSetup& setup) {
  if (name == "auto") return make_best(setup);
  std::string names = "auto";
  for (const TransportEntry& entry : kTransports) {
    if (entry.name == name) return entry.make(setup);
    names += fmt::format(", {}", entry.name);
  }
  throw CollectiveError(ErrorKind::InvalidArgument, "make_transport",
                        fmt::format("there is no transport '{}': choose one of {}", name, names));
}

}  // namespace rlx
