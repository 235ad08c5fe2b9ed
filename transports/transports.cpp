#include "transports/transports.hpp"

#include <fmt/core.h>

#include <string>

#include "rlx/error.hpp"
#include "transports/local/make_local.hpp"
#if RLX_HAVE_OFI
#include "transports/ofi/ofi_transport.hpp"
#endif

namespace rlx {

namespace {

// Best first: "auto" takes the first.
constexpr TransportEntry kTransports[] = {
#if RLX_HAVE_OFI
    {"ofi", "libfabric one-sided operations, between processes and nodes", make_ofi},
#endif
    {"local", "ranks are threads of one process", make_local},
};

}  // namespace

std::span<const TransportEntry> transports() { return kTransports; }

std::unique_ptr<SymmetricTransport> make_transport(std::string_view name,
                                                   const TransportSetup& setup) {
  if (name == "auto") return kTransports[0].make(setup);
  std::string names = "auto";
  for (const TransportEntry& entry : kTransports) {
    if (entry.name == name) return entry.make(setup);
    names += fmt::format(", {}", entry.name);
  }
  throw CollectiveError(ErrorKind::InvalidArgument, "make_transport",
                        fmt::format("there is no transport '{}': choose one of {}", name, names));
}

}  // namespace rlx
