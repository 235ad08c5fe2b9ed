#include "collectives/nodes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace rlx::collectives {

Nodes::Nodes(std::span<const std::uint32_t> node_of) {
  std::map<std::uint32_t, std::uint32_t> numbers;
  for (std::uint32_t rank = 0; rank < node_of.size(); ++rank) {
    const auto next = static_cast<std::uint32_t>(numbers.size());
    const std::uint32_t node = numbers.emplace(node_of[rank], next).first->second;
    if (node == ranks_on_.size()) ranks_on_.emplace_back();
    node_of_.push_back(node);
    place_.push_back(size_of(node));
    ranks_on_[node].push_back(rank);
  }
  for (const auto& ranks : ranks_on_) {
    const auto size = static_cast<std::uint32_t>(ranks.size());
    largest_ = std::max(largest_, size);
    smallest_ = smallest_ == 0 ? size : std::min(smallest_, size);
  }
}

std::string Nodes::shape() const {
  std::map<std::uint32_t, std::uint32_t, std::greater<>> nodes_of;  // by ranks, most first
  for (std::uint32_t node = 0; node < count(); ++node) ++nodes_of[size_of(node)];
  std::string text;
  for (const auto& [ranks, nodes] : nodes_of)
    text += fmt::format("{}{}x{}", text.empty() ? "" : "+", nodes, ranks);
  return text;
}

}  // namespace rlx::collectives
