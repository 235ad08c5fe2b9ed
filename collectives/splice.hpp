#pragma once
// A schedule within a schedule: an algorithm of messages runs on a part of the group, on memory and
// words that the whole gives it. This is how what one file says of ranks serves for nodes.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "collectives/builder.hpp"

namespace rlx::collectives {

/// Where one of a part's ranks has what the part's schedule names: who it is in the whole group,
/// and its first word and scratch chunk. A rank may stand in several parts, with other words and
/// scratch in each.
struct Member {
  std::uint32_t rank = 0;
  Word first_word = 0;
  std::uint32_t first_scratch = 0;
};

/// What the part's input and output are to me: chunk by chunk, memory of the whole. Where its
/// output is scratch, no ARRIVE has to be sent for it.
struct PartMemory {
  std::function<Ref(std::uint32_t chunk)> input;
  std::function<Ref(std::uint32_t chunk)> output;
};

/// One rank's share of a part.
struct Part {
  Schedule schedule;            ///< of one lane, for the part's ranks; made of messages
  std::vector<Member> members;  ///< by the part's indices
  PartMemory memory;
};

/// Appends the steps of all parts, in turn a step of each, so that they go on side by side; a rank
/// that is my peer in several gets and sends one ARRIVE. All
/// ranks' schedules of one algorithm have their waits at the same places, or else several parts may
/// come to wait for each other; the verifier would show it. Throws CollectiveError(Internal) for a
/// schedule with lanes or published words.
void splice(Builder& b, std::span<const Part> parts);

}  // namespace rlx::collectives
