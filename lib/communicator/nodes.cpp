#include "lib/communicator/nodes.hpp"

#include <algorithm>
#include <map>

namespace rlx::detail {
namespace {

/// Spreads the bits of a rank (Steele, Lea, Flood 2014); sums of these tell sets apart.
std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15ull;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ull;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebull;
  return value ^ (value >> 31);
}

}  // namespace

MappedSet mapped_set(const SymmetricTransport& transport) noexcept {
  MappedSet set;
  if (transport.mapped(transport.rank(), kSignalWindow) == nullptr) return set;
  for (std::uint32_t rank = 0; rank < transport.size(); ++rank) {
    if (transport.mapped(Rank(rank), kSignalWindow) == nullptr) continue;
    if (set.count++ == 0) set.first = rank;
    set.digest += mixed(rank);
  }
  return set;
}

// A set that is not empty holds the rank that tells it. So if as many ranks tell it as it has
// members, it is they.
std::vector<std::uint32_t> agree_on_nodes(std::span<const MappedSet> by_rank) {
  std::map<MappedSet, std::uint32_t> tellers;
  for (const MappedSet& set : by_rank) ++tellers[set];
  std::map<MappedSet, std::uint32_t> numbers;
  std::vector<std::uint32_t> nodes;
  std::uint32_t next = 0;
  for (const MappedSet& set : by_rank) {
    const auto [known, is_new] = numbers.emplace(set, next);
    const bool whole = tellers[set] == set.count;
    nodes.push_back(whole ? known->second : next);
    if (is_new || !whole) ++next;
  }
  return nodes;
}

bool everybody_maps_all(std::span<const MappedSet> by_rank) noexcept {
  return std::ranges::all_of(by_rank,
                             [&](const MappedSet& set) { return set.count == by_rank.size(); });
}

bool on_one_node(std::span<const std::uint32_t> node_of, std::span<const Rank> ranks) {
  return std::ranges::all_of(
      ranks, [&](Rank rank) { return node_of[rank.index()] == node_of[ranks[0].index()]; });
}

std::vector<std::uint32_t> nodes_alone(const SymmetricTransport& transport) {
  const bool together = mapped_set(transport).count == transport.size();
  std::vector<std::uint32_t> nodes(transport.size());
  for (std::uint32_t rank = 0; rank < nodes.size(); ++rank) nodes[rank] = together ? 0 : rank;
  return nodes;
}

}  // namespace rlx::detail
