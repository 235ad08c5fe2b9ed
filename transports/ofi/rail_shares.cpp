#include "transports/ofi/rail_shares.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace rlx::ofi {

namespace {

double speed_of(std::size_t interface, std::span<const double> figures, std::size_t interfaces,
                std::span<const std::uint32_t> node_of) {
  std::map<std::uint32_t, std::vector<double>> of_node;
  for (std::size_t rank = 0; rank < node_of.size(); ++rank) {
    const double figure = figures[rank * interfaces + interface];
    if (figure > 0) of_node[node_of[rank]].push_back(figure);
  }
  double slowest = 0;
  for (const auto& [node, values] : of_node) {
    const double here = median_of(values);
    slowest = slowest == 0 ? here : std::min(slowest, here);
  }
  return slowest;
}

std::size_t count_of(std::span<const std::uint8_t> interface_of) {
  return *std::max_element(interface_of.begin(), interface_of.end()) + std::size_t{1};
}

/// How many of `lanes` each rail has: each lane goes to the rail that would still be done first
/// with one more (D'Hondt), so that no other division has its slowest rail done sooner.
std::vector<std::size_t> lanes_of(std::span<const double> shares, std::size_t lanes) {
  std::vector<std::size_t> counts(shares.size());
  const auto time_with_one_more = [&](std::size_t rail) {
    return static_cast<double>(counts[rail] + 1) / shares[rail];
  };
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    std::size_t soonest = 0;
    for (std::size_t rail = 1; rail < shares.size(); ++rail)
      if (time_with_one_more(rail) < time_with_one_more(soonest)) soonest = rail;
    ++counts[soonest];
  }
  return counts;
}

}  // namespace

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<double> steady_speeds(std::span<const double> turns, std::size_t interfaces) {
  std::vector<double> speeds(interfaces);
  if (turns.empty() || *std::ranges::min_element(turns) <= 0) return speeds;
  std::vector<double> sums;
  std::vector<std::vector<double>> parts(interfaces);
  for (std::size_t at = 0; at + interfaces <= turns.size(); at += interfaces) {
    const auto turn = turns.subspan(at, interfaces);
    sums.push_back(std::accumulate(turn.begin(), turn.end(), 0.0));
    for (std::size_t i = 0; i < interfaces; ++i) parts[i].push_back(turn[i] / sums.back());
  }
  for (std::size_t i = 0; i < interfaces; ++i) speeds[i] = median_of(parts[i]) * median_of(sums);
  return speeds;
}

std::vector<double> agreed_speeds(std::span<const double> figures, std::size_t interfaces,
                                  std::span<const std::uint32_t> node_of) {
  std::vector<double> speeds;
  for (std::size_t i = 0; i < interfaces; ++i)
    speeds.push_back(speed_of(i, figures, interfaces, node_of));
  return speeds;
}

std::vector<double> rail_shares(std::span<const double> speeds,
                                std::span<const std::uint8_t> interface_of) {
  std::vector<double> of(speeds.begin(), speeds.end());
  const auto [least, most] = std::minmax_element(of.begin(), of.end());
  if (*least <= 0 || *most < kAlike * *least) std::fill(of.begin(), of.end(), 1.0);
  const double sum = std::accumulate(of.begin(), of.end(), 0.0);
  std::vector<double> shares;
  for (const std::uint8_t interface : interface_of) {
    const auto rails = std::count(interface_of.begin(), interface_of.end(), interface);
    shares.push_back(of[interface] / sum / static_cast<double>(rails));
  }
  return shares;
}

// Smooth weighted round robin: a rail's credit grows by its number of lanes with every lane, the
// one with most takes the lane and pays for it with the sum of all.
std::vector<std::uint8_t> lane_table(std::span<const double> shares) {
  if (shares.size() == 1) return {0};
  const std::size_t lanes = shares.size() * kLanesPerRail;
  const std::vector<std::size_t> counts = lanes_of(shares, lanes);
  std::vector<std::ptrdiff_t> credit(shares.size());
  std::vector<std::uint8_t> table;
  while (table.size() < lanes) {
    for (std::size_t rail = 0; rail < credit.size(); ++rail)
      credit[rail] += static_cast<std::ptrdiff_t>(counts[rail]);
    const auto richest = std::max_element(credit.begin(), credit.end());
    *richest -= static_cast<std::ptrdiff_t>(lanes);
    table.push_back(static_cast<std::uint8_t>(richest - credit.begin()));
  }
  return table;
}

double gain_of(std::span<const double> shares, std::span<const std::uint8_t> interface_of) {
  std::vector<double> of(count_of(interface_of));
  for (std::size_t rail = 0; rail < shares.size(); ++rail) of[interface_of[rail]] += shares[rail];
  return 1 / *std::max_element(of.begin(), of.end());
}

std::uint32_t pack_interfaces(std::span<const std::uint8_t> interface_of) {
  std::uint32_t packed = 0;
  for (std::size_t rail = 0; rail < interface_of.size(); ++rail)
    packed |= std::uint32_t{interface_of[rail]} << (4 * rail);
  return packed;
}

std::vector<std::uint8_t> unpack_interfaces(std::uint32_t packed, std::size_t rails) {
  std::vector<std::uint8_t> interface_of;
  for (std::size_t rail = 0; rail < rails; ++rail)
    interface_of.push_back(static_cast<std::uint8_t>(packed >> (4 * rail) & 0xf));
  return interface_of;
}

}  // namespace rlx::ofi
