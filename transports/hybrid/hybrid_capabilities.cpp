// What can be said of two transports at once: of each promise the weaker one, of each demand the
// stronger, and the network's times, because they are what calls wait for.

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "transports/hybrid/hybrid_transport.hpp"

namespace rlx::hybrid {

namespace {

std::string detail_of(const Ways& ways, std::size_t mates, std::size_t others) {
  std::string text;
  if (ways.mapped)
    text = fmt::format("{} rank{} of this node by shared memory", mates, mates == 1 ? "" : "s");
  if (ways.fabric)
    text += fmt::format("{}{} rank{} by {}", text.empty() ? "" : ", ", others,
                        others == 1 ? "" : "s", ways.fabric->capabilities().detail);
  return text;
}

void weaken(TransportCapabilities& offered, const TransportCapabilities& other) {
  offered.inline_bytes = std::min(offered.inline_bytes, other.inline_bytes);
  offered.max_put_bytes = std::min(offered.max_put_bytes, other.max_put_bytes);
  offered.passive_target = offered.passive_target && other.passive_target;
  offered.delivery_complete = offered.delivery_complete && other.delivery_complete;
  offered.local_registration = offered.local_registration || other.local_registration;
  offered.hash_bits = std::min(offered.hash_bits, other.hash_bits);
}

}  // namespace

std::string shape_of(std::span<const std::uint32_t> node_of) {
  std::map<std::uint32_t, std::size_t> ranks_on;
  for (const std::uint32_t node : node_of) ++ranks_on[node];
  std::map<std::size_t, std::size_t, std::greater<>> nodes_of;  // by ranks, most first
  for (const auto& [node, ranks] : ranks_on) ++nodes_of[ranks];
  std::string text;
  for (const auto& [ranks, nodes] : nodes_of)
    text += fmt::format("{}{}x{}", text.empty() ? "" : "+", nodes, ranks);
  return text;
}

TransportCapabilities combined_capabilities(const Ways& ways, Rank me,
                                            std::span<const std::uint32_t> node_of) {
  // Lanes are the network's: mapped memory takes any. So are protocol and times.
  TransportCapabilities offered = (ways.fabric ? ways.fabric : ways.mapped)->capabilities();
  if (ways.fabric && ways.mapped) weaken(offered, ways.mapped->capabilities());
  const auto mine = static_cast<std::size_t>(std::ranges::count(node_of, node_of[me.index()]));
  offered.name = "hybrid";
  offered.detail = detail_of(ways, mine, node_of.size() - mine);
  offered.call_windows = false;  // mates do not map private memory
  if (ways.fabric) offered.medium += fmt::format(", {}", shape_of(node_of));
  offered.load_store.clear();
  for (const std::uint32_t node : node_of)
    offered.load_store.push_back(node == node_of[me.index()]);
  return offered;
}

}  // namespace rlx::hybrid
