#include "tools/bench/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace rlx::bench {

double quantile(std::vector<double> samples, double q) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const double position = q * static_cast<double>(samples.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(position));
  const std::size_t above = std::min(below + 1, samples.size() - 1);
  const double fraction = position - static_cast<double>(below);
  return samples[below] + (samples[above] - samples[below]) * fraction;
}

Summary summarize(const std::vector<double>& samples) {
  return {quantile(samples, 0.5), quantile(samples, 0.1), quantile(samples, 0.9)};
}

std::vector<double> slowest_rank(std::span<const double> all, std::size_t ranks) {
  const std::size_t samples = all.size() / ranks;
  std::vector<double> slowest(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(samples));
  for (std::size_t i = samples; i < samples * ranks; ++i) {
    slowest[i % samples] = std::max(slowest[i % samples], all[i]);
  }
  return slowest;
}

int back_to_back_calls(double call_us) {
  constexpr double kBudgetUs = 2e6;
  constexpr double kMost = 64;
  constexpr double kFewest = 4;
  if (call_us * kMost <= kBudgetUs) return static_cast<int>(kMost);
  return static_cast<int>(std::max(kFewest, kBudgetUs / call_us));
}

double bandwidth(std::size_t bytes, double us) {
  return us > 0 ? static_cast<double>(bytes) / us / 1e3 : 0;
}

}  // namespace rlx::bench
