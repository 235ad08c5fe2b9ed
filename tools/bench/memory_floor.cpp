#include "tools/bench/memory_floor.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace rlx::bench {
namespace {

/// A way in which the bytes of a collective may move, and what it costs.
struct Shape {
  std::string_view name;
  double bytes = 0;  // per rank
  double us = 0;
};

/// Microseconds for `bytes` at `gb_per_s`.
double time_of(double bytes, double gb_per_s) { return gb_per_s > 0 ? bytes / gb_per_s / 1e3 : 0; }

class Shapes {
 public:
  Shapes(const MemoryRates& rates, std::size_t ranks)
      : rates_(rates), ranks_(static_cast<double>(ranks)) {}

  /// Each rank reduces its block from everybody's input and stores it to everybody's output.
  [[nodiscard]] Shape two_shot(double n) const {
    const double others = (ranks_ - 1) / ranks_;
    const double both = std::max(rates_.best(MemoryKernel::copy, Reach::both, 2 * n),
                                 rates_.best(MemoryKernel::add, Reach::both, 2 * n));
    const double local = std::max(rates_.best(MemoryKernel::copy, Reach::local, 2 * n),
                                  rates_.best(MemoryKernel::add, Reach::local, 2 * n));
    return {"two-shot push", 2 * n, time_of(2 * n * others, both) + time_of(2 * n / ranks_, local)};
  }
  /// Each rank reads all inputs and writes its own output.
  [[nodiscard]] Shape one_shot(double n) const {
    const double set = (ranks_ + 1) * n;
    return {"one-shot", set, read(set, n, n * (ranks_ - 1)) + write(set, n, 0)};
  }
  /// Each rank reads its own block and stores it to everybody's output.
  [[nodiscard]] Shape gather_push(double s) const {
    const double block = s / ranks_;
    return {"push", s + block, read(s + block, block, 0) + write(s + block, block, s - block)};
  }
  /// Each rank reads everybody's block and writes its own output.
  [[nodiscard]] Shape gather_pull(double s) const {
    const double block = s / ranks_;
    return {"pull", 2 * s,
            time_of(2 * (s - block), rates_.best(MemoryKernel::copy, Reach::from, 2 * s)) +
                time_of(2 * block, rates_.best(MemoryKernel::copy, Reach::local, 2 * s))};
  }
  /// Each rank reads its block of everybody's input and writes the result.
  [[nodiscard]] Shape scatter_direct(double s) const {
    const double block = s / ranks_;
    return {"direct", s + block, read(s + block, block, s - block) + write(s + block, block, 0)};
  }

 private:
  [[nodiscard]] double read(double set, double own, double others) const {
    return time_of(own, rates_.best(MemoryKernel::read, Reach::local, set)) +
           time_of(others, rates_.best(MemoryKernel::read, Reach::from, set));
  }
  [[nodiscard]] double write(double set, double own, double others) const {
    return time_of(own, rates_.best(MemoryKernel::write, Reach::local, set)) +
           time_of(others, rates_.best(MemoryKernel::write, Reach::to, set));
  }

  const MemoryRates& rates_;
  double ranks_;
};

Floor floor_of(std::string_view collective, std::size_t size, double line_us, const Shape& shape) {
  Floor floor{.collective = collective,
              .size = size,
              .shape = shape.name,
              .bound = shape.us >= line_us ? "bytes" : "line",
              .bytes_per_rank = shape.bytes,
              .time = std::max(shape.us, line_us)};
  floor.alg_bw = bandwidth(size, floor.time);
  return floor;
}

const Shape& cheaper(const Shape& a, const Shape& b) { return b.us < a.us ? b : a; }

}  // namespace

double MemoryRates::best(MemoryKernel kernel, Reach reach, double working_set) const {
  double best = 0;
  for (const Stores stores : {Stores::none, Stores::plain, Stores::stream}) {
    const MemoryRow* below = nullptr;
    const MemoryRow* above = nullptr;
    for (const MemoryRow& row : rows_) {
      if (row.kernel != kernel || row.reach != reach || row.stores != stores) continue;
      const auto size = static_cast<double>(row.size);
      if (size <= working_set && (below == nullptr || row.size > below->size)) below = &row;
      if (size >= working_set && (above == nullptr || row.size < above->size)) above = &row;
    }
    if (below == nullptr) below = above;
    if (above == nullptr) above = below;
    if (below == nullptr) continue;
    const double width =
        std::log(static_cast<double>(above->size) / static_cast<double>(below->size));
    const double share =
        width > 0 ? std::log(working_set / static_cast<double>(below->size)) / width : 0;
    best = std::max(best, below->rank_bw + share * (above->rank_bw - below->rank_bw));
  }
  return best;
}

std::vector<Floor> memory_floors(std::span<const MemoryRow> rows, std::size_t ranks, double line_us,
                                 std::span<const std::size_t> sizes) {
  const MemoryRates rates(rows);
  const Shapes shapes(rates, ranks);
  std::vector<Floor> floors;
  for (const std::size_t size : sizes) {
    const auto n = static_cast<double>(size);
    floors.push_back(
        floor_of("all_reduce", size, line_us, cheaper(shapes.two_shot(n), shapes.one_shot(n))));
    floors.push_back(floor_of("all_gather", size, line_us,
                              cheaper(shapes.gather_push(n), shapes.gather_pull(n))));
    floors.push_back(floor_of("reduce_scatter", size, line_us, shapes.scatter_direct(n)));
  }
  return floors;
}

std::span<const std::string_view> floor_formulas() {
  static constexpr std::array<std::string_view, 7> kLines = {
      "p ranks, n bytes in the whole vector. K_r: the best rate of kernel K with memory r, of one "
      "rank",
      "while all work, where a rank touches as many bytes. Never less than a cache line's way (p > "
      "1).",
      "all_reduce      two-shot push  2n/p ((p-1) / max(copy, add)_both + 1 / max(copy, "
      "add)_local)",
      "                or one-shot    n ((p-1) / read_from + 1 / read_local + 1 / write_local)",
      "all_gather      push           n/p ((p-1) / write_to + 1 / write_local + 1 / read_local)",
      "                or pull        2n/p ((p-1) / copy_from + 1 / copy_local)",
      "reduce_scatter  direct         n/p ((p-1) / read_from + 1 / read_local + 1 / write_local)"};
  return kLines;
}

}  // namespace rlx::bench
