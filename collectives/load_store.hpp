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
