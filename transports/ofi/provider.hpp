#pragma once
// Finding providers and choosing one.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transports/ofi/fabric.hpp"
#include "transports/ofi/fid.hpp"
#include "transports/ofi/protocol.hpp"

namespace rlx::ofi {

/// Taken in this order when none is named. Fabrics made for one-sided writes first, then tcp. What
/// follows has to be named: psm3 offers itself on any Ethernet, the others are slow, or (shm) hang
/// the survivors when a process dies inside one of their locks.
inline constexpr std::string_view kPreferred[] = {"cxi", "efa", "verbs;ofi_rxm", "opx",
                                                  "tcp", "net", "tcp;ofi_rxm"};

/// A provider on one domain, and what rlx would make of it.
struct Candidate {
  InfoPtr info;  ///< one entry
  ProtocolChoice protocol;

  [[nodiscard]] std::string name() const { return info->fabric_attr->prov_name; }
  [[nodiscard]] std::string domain() const { return info->domain_attr->name; }
};

struct Query {
  std::string_view provider;      ///< as RLX_PROVIDER; empty: all
  const char* address = nullptr;  ///< the local address to bind, for providers with IP addresses
  std::optional<SignalProtocol> protocol;  ///< overrides the choice (tests)
};

/// Reliable unconnected endpoints with one-sided reads and writes, with ordered writes where the
/// provider can promise them, in the library's order. FI_ATOMIC is never asked for: it costs the
/// ordering of ofi_rxm.
[[nodiscard]] std::vector<Candidate> find_candidates(Fabric& fabric, const Query& query);

/// Bit i: kPreferred[i] can be used here.
[[nodiscard]] std::uint32_t preferred_mask(std::span<const Candidate> candidates);
/// The name for the lowest bit; empty for none.
[[nodiscard]] std::string_view preferred_name(std::uint32_t mask);

/// Whether endpoint addresses are IP addresses, so that the interface can be chosen by one.
[[nodiscard]] bool has_ip_address(const fi_info& info);

/// "10.0.0.1" or a provider's own readable form; empty where there is none.
[[nodiscard]] std::string address_text(std::uint32_t format, const void* address,
                                       std::size_t length);

struct Wish {
  std::string provider;
  std::string address;    ///< local IP address, for providers that have such
  std::string problem;    ///< where there is none although one is needed: why
  std::string interface;  ///< RLX_INTERFACE: for other providers, the name of a domain
  std::size_t place = 0;  ///< spreads the rails of a node over the NICs of efa and cxi
  std::optional<SignalProtocol> protocol;
};

/// The candidate for a wish. Throws CollectiveError: InvalidArgument for a provider that does not
/// exist here (naming those that do) or an unknown domain, Unsupported for one without reliable
/// one-sided writes or that promises too little.
[[nodiscard]] Candidate select_candidate(Fabric& fabric, const Wish& wish);

/// "cxi, tcp;ofi_rxm, shm": the names of the usable ones, each once.
[[nodiscard]] std::string usable_names(std::span<const Candidate> candidates);

}  // namespace rlx::ofi
