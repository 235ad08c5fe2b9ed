#pragma once
// What schedules over nodes have in common: my node, my mates, and who stands for whom elsewhere.

#include <cstdint>

#include "collectives/builder.hpp"
#include "collectives/nodes.hpp"

namespace rlx::collectives {

class Mates {
 public:
  Mates(const Nodes& nodes, std::uint32_t me)
      : nodes_(nodes), me_(me), node_(nodes.node_of(me)), place_(nodes.place(me)) {}

  [[nodiscard]] std::uint32_t node() const { return node_; }
  [[nodiscard]] std::uint32_t place() const { return place_; }
  /// All ranks of my node, me among them, ascending.
  [[nodiscard]] std::span<const std::uint32_t> all() const { return nodes_.ranks_on(node_); }
  [[nodiscard]] std::uint32_t size() const { return nodes_.size_of(node_); }
  [[nodiscard]] bool any() const { return size() > 1; }
  [[nodiscard]] std::uint32_t leader() const { return nodes_.leader(node_); }
  [[nodiscard]] bool lead() const { return place_ == 0; }

  /// Calls f(mate) for every other rank of my node, beginning with the next one.
  template <class F>
  void for_each(F f) const {
    for (std::uint32_t d = 1; d < size(); ++d) f(all()[(place_ + d) % size()]);
  }
  /// Calls f(node) for every other node, beginning with the next one.
  template <class F>
  void for_each_other_node(F f) const {
    for (std::uint32_t d = 1; d < nodes_.count(); ++d) f((node_ + d) % nodes_.count());
  }
  /// Calls f(rank) for those ranks of another node for which I stand on mine.
  template <class F>
  void for_each_counterpart(std::uint32_t other, F f) const {
    for (std::uint32_t place = place_; place < nodes_.size_of(other); place += size())
      f(nodes_.ranks_on(other)[place]);
  }
  /// One reference for each rank of my node, in rank order: mine, and theirs(mate) of the others.
  template <class F>
  [[nodiscard]] std::vector<Ref> of_all(Ref mine, F theirs) const {
    std::vector<Ref> refs;
    for (const std::uint32_t rank : all()) refs.push_back(rank == me_ ? mine : theirs(rank));
    return refs;
  }

 private:
  const Nodes& nodes_;
  std::uint32_t me_;
  std::uint32_t node_;
  std::uint32_t place_;
};

/// Every mate's ARRIVE is told and seen.
inline void arrive_on_node(Builder& b, const Mates& mates, Word word) {
  if (mates.any()) b.publish_arrival(word);
  mates.for_each([&](std::uint32_t mate) { b.await_published_arrival(word, mate); });
}

/// Every mate has come to this place.
inline void meet_on_node(Builder& b, const Mates& mates, Word word) {
  if (mates.any()) b.publish(word);
  mates.for_each([&](std::uint32_t mate) { b.await_published(word, mate); });
}

/// Raises `most` to `value`: costs are those of the busiest rank.
template <class T>
void raise(T& most, std::uint64_t value) {
  if (value > most) most = static_cast<T>(value);
}

}  // namespace rlx::collectives
