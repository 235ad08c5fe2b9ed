#pragma once
// How long a cache line takes from one rank to another: ping-pong between every pair, one pair at a
// time. Once with a line that each rank writes, as signals are: a hop takes the line away from its
// reader and then to it again. Once with a single line that both write, which is quicker.

#include <cstdint>
#include <vector>

#include "tools/bench/line_up.hpp"
#include "tools/bench/memory_buffers.hpp"

namespace rlx::bench {

/// One way, nanoseconds, over all samples of all pairs.
struct HopTime {
  double median_ns = 0;
  double p5_ns = 0;
  double p95_ns = 0;
};

struct PairTime {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  double own_lines_ns = 0;  ///< medians of the pair
  double one_line_ns = 0;
};

struct CacheLineTimes {
  HopTime own_lines;    ///< each rank writes a line of its own
  HopTime one_line;     ///< both write the same
  int samples = 0;      ///< of each pair
  int round_trips = 0;  ///< of each sample
  std::vector<PairTime> pairs;
};

/// Collective. Equal on all ranks. Nothing for one rank. Throws as LineUp::wait.
[[nodiscard]] CacheLineTimes time_cache_lines(Communicator& comm, LineUp& line_up,
                                              const MemoryBuffers& buffers, int samples);

}  // namespace rlx::bench
