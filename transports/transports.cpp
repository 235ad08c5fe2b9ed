#include "transports/transports.hpp"

#include <fmt/core.h>

#include <string>

#include "lib/base/log.hpp"
#include "rlx/error.hpp"
#include "transports/local/make_local.hpp"
#include "transports/shm/shm_transport.hpp"
#if RLX_HAVE_OFI
#include "transports/hybrid/make_hybrid.hpp"
#include "transports/ofi/ofi_transport.hpp"
#endif

namespace rlx {

namespace {

// Best first.
constexpr TransportEntry kTransports[] = {
    {"shm", "mapped memory, between processes of one node", make_shm},
#if RLX_HAVE_OFI
    {"hybrid", "shm between processes of one node, ofi between nodes", make_hybrid},
    {"ofi", "libfabric one-sided operations, between processes and nodes", make_ofi},
#endif
    {"local", "ranks are threads of one process", make_local},
};

std::unique_ptr<SymmetricTransport> make_best(const TransportSetup& setup) {
#if RLX_HAVE_OFI
  return make_by_nodes(setup);
#else
  return make_shm(setup);
#endif
}

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
