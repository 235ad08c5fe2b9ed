#pragma once
// Algorithms and schedules as text for people.

#include <string>

#include "collectives/algorithms.hpp"

namespace rlx::explain {

/// "1.5 n": what so many chunks are of the message. n is the vector of an all_reduce, one rank's
/// block for the others.
[[nodiscard]] std::string share(const collectives::Algorithm& algorithm,
                                const collectives::Cost& cost, std::uint64_t chunks);

/// What an algorithm is and costs in a group: a few lines.
[[nodiscard]] std::string describe_cost(const collectives::Algorithm& algorithm,
                                        const collectives::Group& group);

/// The steps of one rank, one a line.
[[nodiscard]] std::string describe_steps(const collectives::Schedule& schedule);

/// The table of one collective, a name at the start of each line.
[[nodiscard]] std::string list(collectives::Collective collective);

/// docs/algorithms.md.
[[nodiscard]] std::string markdown();

}  // namespace rlx::explain
