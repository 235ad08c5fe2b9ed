#include "transports/ofi/rail_set.hpp"

#include <fmt/core.h>
#include <rdma/fi_domain.h>

#include <algorithm>

#include "lib/base/log.hpp"
#include "transports/ofi/shm_leftovers.hpp"
#include "transports/ofi/window_keys.hpp"

namespace rlx::ofi {

namespace {

// How much completion data may wait for me: what all others may have on the way.
std::size_t expected_data(const TransportSetup& setup, const OfiOptions& options,
                          const Candidate& candidate) {
  if (candidate.protocol.protocol != SignalProtocol::completion_data) return 0;
  const auto peers = options.reaches.empty()
                         ? setup.size - 1
                         : static_cast<std::size_t>(std::ranges::count(options.reaches, true));
  return kMaxOutstanding * peers;
}

/// How many of `wanted` rails this provider can have.
std::size_t rails_of(const Candidate& candidate, std::size_t wanted, const OfiOptions& options) {
  if (core_name(candidate.name()) == "shm") return 1;
  const fi_domain_attr& domain = *candidate.info->domain_attr;
  if ((domain.mr_mode & FI_MR_PROV_KEY) == 0) return wanted;  // mine are small numbers
  return std::min(wanted, rails_that_fit(domain.mr_key_size, options.key_room));
}

void tell_fewer(const Plan& plan, const Candidate& candidate, std::size_t rails) {
  if (rails == plan.rails.size() || !plan.speaks) return;
  log::warn("{} rails were asked for, provider {} has {}: {}", plan.rails.size(), candidate.name(),
            rails,
            core_name(candidate.name()) == "shm"
                ? "it has no interfaces"
                : fmt::format("its keys of {} bytes leave no room for more",
                              candidate.info->domain_attr->mr_key_size));
}

std::string place_of(const Endpoint& endpoint, const std::vector<std::byte>& name) {
  const fi_info& info = endpoint.info();
  const std::string address = address_text(info.addr_format, name.data(), name.size());
  return fmt::format("{}{}{}", info.domain_attr->name, address.empty() ? "" : " at ", address);
}

/// Numbers the different places of the rails in their order.
std::vector<std::uint8_t> interfaces_of(const std::vector<OpenedRail>& rails) {
  std::vector<std::string> places;
  std::vector<std::uint8_t> interface_of;
  for (const OpenedRail& rail : rails) {
    const auto known = std::ranges::find(places, rail.place);
    interface_of.push_back(static_cast<std::uint8_t>(known - places.begin()));
    if (known == places.end()) places.push_back(rail.place);
  }
  return interface_of;
}

void open_all(RailSet& set, Fabric& fabric, const TransportSetup& setup, const OfiOptions& options,
              const Plan& plan) {
  std::size_t rails = plan.rails.size();
  if (core_name(plan.rails[0].provider) == "shm") remove_stale_shm_files();
  for (std::size_t i = 0; i < rails; ++i) {
    Wish wish = plan.rails[i];
    wish.protocol = options.protocol;
    Candidate candidate = select_candidate(fabric, wish);
    if (i == 0) {
      rails = rails_of(candidate, rails, options);
      tell_fewer(plan, candidate, rails);
      set.why = candidate.protocol.reason;
    }
    const std::size_t expected = expected_data(setup, options, candidate);
    Endpoint endpoint(fabric, std::move(candidate), expected);
    set.names.push_back(endpoint.name());
    std::string place = place_of(endpoint, set.names.back());
    set.rails.push_back({std::move(endpoint), {}, std::move(place)});
  }
  const Candidate& first = set.rails[0].endpoint.candidate();
  set.report = make_report(first, set.names, pack_interfaces(interfaces_of(set.rails)));
  set.text = first.name();
}

}  // namespace

RailSet open_rails(Fabric& fabric, const TransportSetup& setup, const OfiOptions& options,
                   const Plan& plan) {
  RailSet set;
  try {
    open_all(set, fabric, setup, options, plan);
  } catch (const CollectiveError& error) {
    set.report = make_report(error);
    set.text = error.what();
  }
  return set;
}

void insert_addresses(RailSet& set, const TransportSetup& setup, const OfiOptions& options,
                      const std::vector<RailNames>& names) {
  for (std::size_t rail = 0; rail < set.rails.size(); ++rail) {
    OpenedRail& opened = set.rails[rail];
    opened.addresses.assign(setup.size, FI_ADDR_NOTAVAIL);
    for (std::size_t i = 0; i < setup.size; ++i) {
      const bool reaches = options.reaches.empty() || options.reaches[i] || i == setup.rank.index();
      if (reaches) opened.addresses[i] = opened.endpoint.insert(names[i][rail]);
    }
  }
}

}  // namespace rlx::ofi
