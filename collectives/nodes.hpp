#pragma once
// How the ranks of a group are spread over nodes: any number on each, in any order. Ranks of one
// node ("mates") map each other's memory.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace rlx::collectives {

class Nodes {
 public:
  /// Equal numbers are one node; nodes are numbered anew, in the order of their first ranks.
  explicit Nodes(std::span<const std::uint32_t> node_of);

  [[nodiscard]] std::uint32_t ranks() const { return static_cast<std::uint32_t>(node_of_.size()); }
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(ranks_on_.size()); }
  [[nodiscard]] std::uint32_t node_of(std::uint32_t rank) const { return node_of_[rank]; }
  [[nodiscard]] bool mates(std::uint32_t one, std::uint32_t other) const {
    return node_of_[one] == node_of_[other];
  }
  /// The ranks of a node, ascending; the first is its leader.
  [[nodiscard]] std::span<const std::uint32_t> ranks_on(std::uint32_t node) const {
    return ranks_on_[node];
  }
  [[nodiscard]] std::uint32_t size_of(std::uint32_t node) const {
    return static_cast<std::uint32_t>(ranks_on_[node].size());
  }
  [[nodiscard]] std::uint32_t leader(std::uint32_t node) const { return ranks_on_[node][0]; }
  /// A rank's place among those of its node.
  [[nodiscard]] std::uint32_t place(std::uint32_t rank) const { return place_[rank]; }
  /// The most ranks that any node has, and the fewest.
  [[nodiscard]] std::uint32_t largest() const { return largest_; }
  [[nodiscard]] std::uint32_t smallest() const { return smallest_; }
  /// Whether there are several nodes, and mates on one of them.
  [[nodiscard]] bool mixed() const { return count() > 1 && largest() > 1; }

  /// Who on `node` stands for the ranks of that place on all nodes: places that a smaller node does
  /// not have go round again.
  [[nodiscard]] std::uint32_t counterpart(std::uint32_t node, std::uint32_t place) const {
    return ranks_on_[node][place % ranks_on_[node].size()];
  }

  /// For how many ranks of other nodes this one stands on its own.
  [[nodiscard]] std::uint32_t stands_for(std::uint32_t rank) const;
  /// How many ranks of a node stand for any.
  [[nodiscard]] std::uint32_t standing(std::uint32_t node) const;

  /// "2x4": two nodes of four ranks; "1x2+1x1": one of two and one of one. Whatever their order.
  [[nodiscard]] std::string shape() const;

 private:
  std::vector<std::uint32_t> node_of_;
  std::vector<std::uint32_t> place_;
  std::vector<std::vector<std::uint32_t>> ranks_on_;
  std::map<std::uint32_t, std::uint32_t> nodes_of_;  // by their size: how many
  std::uint32_t largest_ = 0;
  std::uint32_t smallest_ = 0;
};

}  // namespace rlx::collectives
