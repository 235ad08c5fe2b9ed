// Making the transport: what the ranks agree on, what each opens, and how lanes are shared.

#include "transports/ofi/ofi_transport.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "lib/base/log.hpp"
#include "transports/ofi/link_speed.hpp"
#include "transports/ofi/rail_set.hpp"
#include "transports/ofi/rails_transport.hpp"
#include "transports/ofi/wiring.hpp"

namespace rlx {

namespace {

using namespace ofi;

/// A number that the ranks of my node share, for measuring between nodes: the first rank that I do
/// not reach over the network, or that is on it as I am. Where all ranks reach each other on one
/// machine, each is a node.
std::uint32_t node_number(const TransportSetup& setup, const OfiOptions& options,
                          const Plan& plan) {
  const std::size_t me = setup.rank.index();
  for (std::size_t i = 0; i < me; ++i) {
    const bool mate = options.reaches.empty()
                          ? plan.nodes > 1 && plan.networks[i] == plan.networks[me]
                          : !options.reaches[i];
    if (mate) return static_cast<std::uint32_t>(i);
  }
  return setup.rank.value();
}

/// "eth0 (1.14 GB/s, 75 %), eth1 (...)": what was measured, and which part of the lanes leads
/// there. As this rank calls them.
std::string describe_shares(const RailsTransport& transport, std::span<const double> speeds,
                            std::span<const std::uint8_t> table,
                            std::span<const std::uint8_t> interface_of) {
  constexpr double kBytesPerUsOfGigabyte = 1000;
  std::string text;
  for (std::size_t i = 0; i < speeds.size(); ++i) {
    const auto first = std::ranges::find(interface_of, i) - interface_of.begin();
    const auto lanes =
        std::ranges::count_if(table, [&](std::uint8_t rail) { return interface_of[rail] == i; });
    const std::string speed =
        speeds[i] > 0 ? fmt::format("{:.2f} GB/s, ", speeds[i] / kBytesPerUsOfGigabyte) : "";
    text += fmt::format(
        "{}{} ({}{} %)", i == 0 ? "" : ", ",
        transport.rails()[static_cast<std::size_t>(first)]->endpoint().candidate().domain(), speed,
        (100 * static_cast<std::size_t>(lanes) + table.size() / 2) / table.size());
  }
  return text;
}

std::vector<double> measure(const TransportSetup& setup, const OfiOptions& options,
                            const Plan& plan, RailsTransport& transport,
                            std::span<const std::uint8_t> interface_of, std::size_t interfaces) {
  const auto node_of = exchange_records(setup, node_number(setup, options, plan));
  std::vector<Rail*> firsts;
  for (std::uint8_t i = 0; i < interfaces; ++i) {
    const auto first = std::ranges::find(interface_of, i) - interface_of.begin();
    firsts.push_back(transport.rails()[static_cast<std::size_t>(first)].get());
  }
  return agreed_speeds(measure_links(setup, transport, firsts, node_of), interfaces, node_of);
}

/// Collective; the same on all ranks, because rank 0's view of the interfaces counts.
void share_lanes(const TransportSetup& setup, const OfiOptions& options, const Plan& plan,
                 const Report& first, RailsTransport& transport) {
  if (transport.rails().size() == 1) return;
  const auto interface_of = unpack_interfaces(first.interfaces, transport.rails().size());
  const std::size_t interfaces =
      *std::max_element(interface_of.begin(), interface_of.end()) + std::size_t{1};
  std::vector<double> speeds(interfaces);
  if (interfaces > 1) speeds = measure(setup, options, plan, transport, interface_of, interfaces);
  const auto shares = rail_shares(speeds, interface_of);
  const auto table = lane_table(shares);
  transport.set_lanes(table, static_cast<std::uint32_t>(interfaces), gain_of(shares, interface_of));
  if (setup.rank == Rank(0))
    log::info("{} rails on {} interface(s), {} lanes: {}", transport.rails().size(), interfaces,
              transport.capabilities().lanes,
              describe_shares(transport, speeds, table, interface_of));
}

}  // namespace

std::unique_ptr<SymmetricTransport> make_ofi(const TransportSetup& setup,
                                             const OfiOptions& options) {
  Fabric& fabric = options.fabric != nullptr ? *options.fabric : Fabric::system();
  const auto cards = exchange_records(setup, make_card(fabric, setup));
  const Plan plan = make_plan(setup, cards);
  RailSet set = open_rails(fabric, setup, options, plan);
  const auto reports = exchange_records(setup, set.report);
  check_reports(setup, reports, set.text);
  const std::vector<RailNames> names = exchange_names(setup, reports, set.names);
  insert_addresses(set, setup, options, names);

  const auto me = detail::ProcessIdentity::mine();
  auto transport = std::make_unique<RailsTransport>(setup, std::move(set.rails));
  if (plan.speaks) {
    log::info("{}: {}, {} ({}); {} rank(s) on {} node(s); {}", me.host.data(),
              transport->capabilities().detail, to_string(set.report.protocol), set.why, setup.size,
              plan.nodes, plan.reason);
  }
  share_lanes(setup, options, plan, reports[0], *transport);
  std::vector<detail::ProcessIdentity> processes;
  for (const Card& card : cards) processes.push_back(identity_of(card, me));
  if (options.watch_processes) transport->watch(processes, names);
  transport->watch_sockets(processes, names);
  return transport;
}

std::unique_ptr<SymmetricTransport> make_ofi(const TransportSetup& setup) {
  return make_ofi(setup, {});
}

}  // namespace rlx
