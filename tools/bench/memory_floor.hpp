#pragma once
// From measured rates to the least time that a collective can take on this memory system: the bytes
// that must move, at the best rate at which the same ranks were seen to move bytes in the same way.

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "tools/bench/memory_buffers.hpp"
#include "tools/bench/statistics.hpp"

namespace rlx::bench {

/// One measured cell. All ranks ran it at once.
struct MemoryRow {
  std::size_t size = 0;  ///< that a rank was asked to touch
  MemoryKernel kernel = MemoryKernel::read;
  Reach reach = Reach::local;
  Stores stores = Stores::none;
  std::size_t bytes = 0;  ///< read and written by each rank
  Summary time;           ///< microseconds, of the slowest rank
  double rank_bw = 0;     ///< GB/s of one rank
  double total_bw = 0;    ///< of all
};

/// Rates in GB/s of one rank while all work.
class MemoryRates {
 public:
  explicit MemoryRates(std::span<const MemoryRow> rows) : rows_(rows) {}

  /// The best of plain and streaming stores when a rank touches `working_set` bytes: between
  /// measured sizes by their logarithm, beyond them the nearest one's. Zero for what was not
  /// measured.
  [[nodiscard]] double best(MemoryKernel kernel, Reach reach, double working_set) const;

 private:
  std::span<const MemoryRow> rows_;
};

/// The least time of one collective at one size.
struct Floor {
  std::string_view collective;
  std::size_t size = 0;       ///< bytes of the whole vector, as rlx-bench counts them
  std::string_view shape;     ///< how the bytes move: the cheapest of the known ways
  std::string_view bound;     ///< "bytes" or "line": what takes longer
  double bytes_per_rank = 0;  ///< read and written by one rank in that shape
  double time = 0;            ///< microseconds
  double alg_bw = 0;          ///< GB/s
};

/// For each size all_reduce, all_gather and reduce_scatter. `line_us` is the one-way time of a
/// cache line, which no exchange between two ranks or more beats; 0: one rank.
[[nodiscard]] std::vector<Floor> memory_floors(std::span<const MemoryRow> rows, std::size_t ranks,
                                               double line_us, std::span<const std::size_t> sizes);

/// The formulas, a line each, as the reports and docs/benchmarking.md say them.
[[nodiscard]] std::span<const std::string_view> floor_formulas();

}  // namespace rlx::bench
