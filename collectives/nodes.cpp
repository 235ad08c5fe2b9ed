#include "collectives/nodes.hpp"

#include <fmt/format.h>

#include <algorithm>

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
    ++nodes_of_[size];
    largest_ = std::max(largest_, size);
    smallest_ = smallest_ == 0 ? size : std::min(smallest_, size);
  }
}

std::uint32_t Nodes::stands_for(std::uint32_t rank) const {
  const std::uint32_t mine = size_of(node_of(rank));
  std::uint32_t ranks = 0;
  for (const auto& [size, nodes] : nodes_of_) {
    const std::uint32_t others = nodes - (size == mine ? 1 : 0);
    if (place(rank) < size) ranks += others * ((size - place(rank) + mine - 1) / mine);
  }
  return ranks;
}

std::uint32_t Nodes::standing(std::uint32_t node) const {
  std::uint32_t most = 0;  // ranks of another node
  for (const auto& [size, nodes] : nodes_of_)
    if (nodes > (size == size_of(node) ? 1U : 0U)) most = std::max(most, size);
  return std::min(most, size_of(node));
}

std::string Nodes::shape() const {
  std::string text;
  for (auto most = nodes_of_.rbegin(); most != nodes_of_.rend(); ++most)
    text += fmt::format("{}{}x{}", text.empty() ? "" : "+", most->second, most->first);
  return text;
}

}  // namespace rlx::collectives
