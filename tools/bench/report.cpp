#include "tools/bench/report.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace rlx::bench {

std::optional<double> Figures::ratio() const {
  if (!rival || !rival->time || time.median <= 0) return std::nullopt;
  return rival->time->median / time.median;
}

void Totals::add(const Row& row) {
  for (const Figures& one : row.figures) {
    wrong += one.wrong.value_or(0);
    bus_bw_sum += one.bus_bw;
    ++figures;
  }
}

double Totals::average_bus_bw() const {
  return figures == 0 ? 0 : bus_bw_sum / static_cast<double>(figures);
}

std::string fitted(double value, int width) {
  int power = 0;
  for (double bound = 1; value >= bound; bound *= 10) ++power;
  if (power < width - 2) return fmt::format("{:{}.2f}", value, width);
  if (power < width - 1) return fmt::format("{:{}.1f}", value, width);
  if (power < width + 1) return fmt::format("{:{}.0f}", value, width);
  return fmt::format("{:{}.{}e}", value, width, width >= 7 ? 1 : 0);
}

std::string time_stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

}  // namespace rlx::bench
