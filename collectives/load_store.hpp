#pragma once
// What schedules over mapped memory have in common: words that every rank publishes for all.

#include <algorithm>
#include <vector>

#include "collectives/builder.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives {

/// Most ranks of a load/store schedule: what one reduction can take.
inline constexpr std::uint32_t kMaxMapped = kMaxOperands;

/// Lines that one chunk may be spread over: what a rank puts together of all ranks is kMaxGathered
/// bytes at most, and 20 lines hold 1 KiB.
[[nodiscard]] constexpr Word lines_for(std::uint32_t ranks) {
  constexpr std::uint32_t kMost = 20;
  const auto all = static_cast<std::uint32_t>(kMaxGathered / kLineBytes);
  return static_cast<Word>(std::clamp(all / ranks, 1u, kMost));
}

/// Ranks in groups of neighbours, about as many as each has members; the last may have fewer.
class Groups {
 public:
  explicit Groups(std::uint32_t ranks) : ranks_(ranks) {
    while (size_ * size_ < ranks) ++size_;
  }
  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t count() const { return (ranks_ + size_ - 1) / size_; }
  [[nodiscard]] std::uint32_t of(std::uint32_t rank) const { return rank / size_; }
  [[nodiscard]] std::uint32_t begin(std::uint32_t group) const { return group * size_; }
  [[nodiscard]] std::uint32_t end(std::uint32_t group) const {
    return std::min(ranks_, begin(group) + size_);
  }
  /// Which member of another group this rank turns to: as many turn to one as to another.
  [[nodiscard]] std::uint32_t counterpart(std::uint32_t rank, std::uint32_t group) const {
    return begin(group) + rank % size_ % (end(group) - begin(group));
  }
  /// Whether any rank turns to this one: in the largest group some have no counterpart.
  [[nodiscard]] bool is_counterpart(std::uint32_t rank) const {
    for (std::uint32_t other = 0; other < ranks_; ++other)
      if (of(other) != of(rank) && counterpart(other, of(rank)) == rank) return true;
    return false;
  }
  [[nodiscard]] bool has_mates(std::uint32_t rank) const {
    return end(of(rank)) - begin(of(rank)) > 1;
  }
  /// Calls f(mate) for every other rank of my group, beginning with the next one.
  template <class F>
  void for_each_mate(std::uint32_t me, F f) const {
    const std::uint32_t first = begin(of(me));
    const std::uint32_t members = end(of(me)) - first;
    for (std::uint32_t d = 1; d < members; ++d) f(first + (me - first + d) % members);
  }
  /// Calls f(group) for every other group, beginning with the next one.
  template <class F>
  void for_each_other(std::uint32_t mine, F f) const {
    for (std::uint32_t d = 1; d < count(); ++d) f((mine + d) % count());
  }

 private:
  std::uint32_t ranks_;
  std::uint32_t size_ = 1;
};

/// Calls f(peer) for every other rank, beginning with the next one, so that not all of them turn to
/// the same rank first.
template <class F>
void for_each_peer(const Builder& b, F f) {
  for (std::uint32_t d = 1; d < b.size(); ++d) f(b.plus(d));
}

inline void await_all(Builder& b, Word word) {
  for_each_peer(b, [&](std::uint32_t peer) { b.await_published(word, peer); });
}

/// Every rank's ARRIVE is told and seen.
inline void arrive_all(Builder& b, Word word) {
  if (b.size() > 1) b.publish_arrival(word);
  for_each_peer(b, [&](std::uint32_t peer) { b.await_published_arrival(word, peer); });
}

/// Every rank has come to this place.
inline void meet(Builder& b, Word word) {
  if (b.size() > 1) b.publish(word);
  await_all(b, word);
}

/// One reference for each rank, in rank order: mine, and theirs(peer) of the others. Sums in this
/// order are the same on every rank.
template <class F>
std::vector<Ref> of_all(const Builder& b, Ref mine, F theirs) {
  std::vector<Ref> refs;
  for (std::uint32_t rank = 0; rank < b.size(); ++rank)
    refs.push_back(rank == b.me() ? mine : theirs(rank));
  return refs;
}

}  // namespace rlx::collectives
