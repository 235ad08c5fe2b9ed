#pragma once
// From times to choices: what rlx-bench --tune writes for one kind of call. Pure.

#include <cstdint>
#include <string>
#include <vector>

#include "collectives/tuning_table.hpp"

namespace rlx::bench {

/// What was timed: an algorithm, how it was cut, and whether its results went past the caches.
struct Candidate {
  std::string algorithm;
  std::uint64_t piece_bytes = 0;  ///< 0: as the cost model cuts
  bool streams = false;

  friend bool operator==(const Candidate&, const Candidate&) = default;
};

struct TimedCandidate {
  Candidate candidate;
  double us = 0;
};

/// One length: bytes of the vector, or of one rank's block, as TuningEntry has them.
struct MeasuredSize {
  std::uint64_t bytes = 0;
  std::vector<TimedCandidate> times;  ///< at least one
};

/// The fastest of a size.
[[nodiscard]] const TimedCandidate& fastest(const MeasuredSize& size);

/// `sizes` ascending, at least one. Limits lie halfway, by factor, between the sizes that were
/// measured. An algorithm stays as long as it is within 3 % of the best, so that noise makes no
/// crossovers. The last one has no limit when it was measured at 8 MiB or more (or at 0 bytes: a
/// barrier), because nothing changes from there on; otherwise it ends where the measurement did.
[[nodiscard]] collectives::TuningEntry entry_of(collectives::TuningKey key,
                                                const std::vector<MeasuredSize>& sizes);

}  // namespace rlx::bench
