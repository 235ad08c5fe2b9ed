#pragma once
// What becomes of samples.

#include <cstddef>
#include <span>
#include <vector>

namespace rlx::bench {

/// Of one series of samples, in the samples' unit.
struct Summary {
  double median = 0;
  double p10 = 0;
  double p90 = 0;
};

/// The value below which the fraction `q` (0 to 1) of the samples lies, interpolated linearly
/// between neighbours. Zero for no samples.
[[nodiscard]] double quantile(std::vector<double> samples, double q);
[[nodiscard]] Summary summarize(const std::vector<double>& samples);

/// `all` holds `ranks` series of equal length, one rank after the other. Gives, for each sample,
/// the slowest rank's.
[[nodiscard]] std::vector<double> slowest_rank(std::span<const double> all, std::size_t ranks);

/// How many calls the back-to-back figure makes: 64, and fewer, at least 4, when 64 calls of
/// `call_us` microseconds would take more than two seconds.
[[nodiscard]] int back_to_back_calls(double call_us);

/// GB/s (1e9) for `bytes` in `us` microseconds; zero when no time passed.
[[nodiscard]] double bandwidth(std::size_t bytes, double us);

}  // namespace rlx::bench
