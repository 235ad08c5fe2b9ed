#pragma once
// How long a cache line takes from one rank to another: ping-pong of a line of each, between every pair,
// one pair at a time.

#include <cstdint>
#include <vector>

#include "tools/bench/line_up.hpp"
#include "tools/bench/memory_buffers.hpp"

namespace rlx::bench {

struct PairTime {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  double median_ns = 0;
};

/// One way, nanoseconds. Quantiles are over all samples of all pairs.
struct CacheLineTimes {
  double median_ns = 0;
  double p5_ns = 0;
  double p95_ns = 0;
  int samples = 0;      ///< of each pair
  int round_trips = 0;  ///< of each sample
  std::vector<PairTime> pairs;
};

/// Collective. Equal on all ranks. Nothing for one rank. Throws as LineUp::wait.
[[nodiscard]] CacheLineTimes time_cache_lines(Communicator& comm, LineUp& line_up,
                                              const MemoryBuffers& buffers, int samples);

}  // namespace rlx::bench
