#pragma once
// The gather phase of a ring that is used both ways, shared by all_gather and all_reduce.

#include "collectives/builder.hpp"

namespace rlx::collectives::all_gather {

/// The words of a rank that its neighbours write.
struct NeighbourWords {
  Word from_left = 0;  ///< one part a hop
  Word from_right = 0;
  Word arrive_of_right = 0;
  Word arrive_of_left = 0;
};

/// My ARRIVE to the neighbours that will put into my output.
void tell_neighbours(Builder& b, const NeighbourWords& words);

/// Sends `mine`, which is chunk me() of the result, to the outputs of both neighbours, whose
/// ARRIVEs it awaits, and passes on what comes from the left to the right and from the right to the
/// left, as far as each goes. At least 2 ranks, all of which have called tell_neighbours().
void bidirectional_ring_phase(Builder& b, Ref mine, const NeighbourWords& words);

}  // namespace rlx::collectives::all_gather
