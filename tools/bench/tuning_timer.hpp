#pragma once
// Times several ways of making one call alternately, so that a disturbance hits all of them.

#include <chrono>
#include <vector>

#include "collectives/tuner.hpp"
#include "rlx/communicator.hpp"
#include "tools/bench/buffers.hpp"
#include "tools/bench/crossovers.hpp"
#include "tools/bench/line_up.hpp"

namespace rlx::bench {

/// One call of f32 sums: collective, memory, place and length.
struct TuningCall {
  const CollectiveBench* collective = nullptr;
  BufferKind buffers = BufferKind::heap;
  Placement placement = Placement::out_of_place;
  Operands operands;
};

/// What the tuner is told about the call.
[[nodiscard]] collectives::TunerInput tuner_input(Communicator& comm, const TuningCall& call);

class TuningTimer {
 public:
  /// `samples` at most of each candidate. Both outlive it.
  TuningTimer(Communicator& comm, LineUp& line_up, int samples)
      : comm_(comm), line_up_(line_up), samples_(samples) {}

  /// Collective; the result is equal on all ranks: the median of the slowest rank's times, of every
  /// candidate. Those that are half as slow again as the best after a few samples get no more.
  [[nodiscard]] std::vector<TimedCandidate> time(const TuningCall& call,
                                                 const std::vector<Candidate>& candidates,
                                                 std::chrono::milliseconds budget);
  /// How many pieces the call travels in under a candidate. Local.
  [[nodiscard]] std::uint32_t pieces(const TuningCall& call, const Candidate& candidate);

 private:
  struct Runner;
  [[nodiscard]] Plan plan(const TuningCall& call, const Candidate& candidate);
  [[nodiscard]] double sample(const Runner& runner);
  void sample(std::vector<Runner>& runners, int times);
  void settle(std::vector<Runner>& runners);
  [[nodiscard]] int affordable(std::chrono::nanoseconds spent, std::chrono::milliseconds budget);

  Communicator& comm_;
  LineUp& line_up_;
  int samples_;
};

}  // namespace rlx::bench
