#pragma once
// How the ranks agree on one provider, one protocol, their rails and their addresses, in two
// exchanges:
//   1. who and where each rank is, what it could use, and whether it was asked for the same;
//   2. what each rank opened: its endpoint's address, or that it can not follow.
// Everything in between is a pure function of what was exchanged, so every rank comes to the same
// answer, and an error is thrown on all of them. Only where something is wrong, or addresses are
// longer than those of IP, further exchanges follow.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transports/ofi/provider.hpp"
#include "transports/ofi/records.hpp"

namespace rlx::ofi {

/// What one rank is to do.
struct Plan {
  std::vector<Wish> rails;
  std::string reason;   ///< for the log: why this provider, why this address
  bool speaks = false;  ///< the lowest rank of its node: writes the log line
  std::size_t nodes = 1;
  std::vector<std::uint32_t> networks;  ///< by rank, a number that ranks of one network stack share
};

[[nodiscard]] Card make_card(Fabric& fabric, const TransportSetup& setup);

/// Collective where not all were asked for the same (rank 0's counts). Throws
/// CollectiveError(Unsupported) naming the ranks when no provider is common to all, and
/// InvalidArgument when more interfaces are asked for than there can be rails.
[[nodiscard]] Plan make_plan(const TransportSetup& setup, std::span<const Card> cards);

/// Of the rails that were opened, with one address each.
[[nodiscard]] Report make_report(const Candidate& candidate, const RailNames& names,
                                 std::uint32_t interfaces);
[[nodiscard]] Report make_report(const CollectiveError& error);

/// Throws the error that all ranks throw: naming those that could not open the provider, or whose
/// provider, protocol or number of rails differs from rank 0's. `mine` is for the others: what is
/// wrong here, or else the provider's name. Collective where it throws.
void check_reports(const TransportSetup& setup, std::span<const Report> reports,
                   std::string_view mine);

}  // namespace rlx::ofi
