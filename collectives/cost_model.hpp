#pragma once
// What the cost model (tuner.cpp) tells the choice (choose.cpp).

#include <string>

#include "collectives/tuner.hpp"

namespace rlx::collectives {

/// The best pieces for this algorithm, which can run the call, or pieces of
/// `input.forced_piece_bytes`; and what they take.
[[nodiscard]] Choice predict(const TunerInput& input, const Algorithm& algorithm);

}  // namespace rlx::collectives
