#include "tools/bench/memory_floor.hpp"

#include <gtest/gtest.h>

namespace rlx::bench {
namespace {

MemoryRow cell(std::size_t size, MemoryKernel kernel, Reach reach, Stores stores, double rank_bw) {
  return {.size = size, .kernel = kernel, .reach = reach, .stores = stores, .rank_bw = rank_bw};
}

/// A machine on which every kernel has one rate, the same for own and other memory.
std::vector<MemoryRow> flat(double rank_bw) {
  std::vector<MemoryRow> rows;
  for (const MemoryKernel kernel : kMemoryKernels)
    for (const Reach reach : kReaches)
      rows.push_back(cell(1 << 20, kernel, reach, Stores::plain, rank_bw));
  return rows;
}

const Floor& find(const std::vector<Floor>& floors, std::string_view collective) {
  for (const Floor& floor : floors)
    if (floor.collective == collective) return floor;
  throw std::logic_error("no such floor");
}

TEST(MemoryRates, are_interpolated_by_the_logarithm_of_the_size) {
  const std::vector<MemoryRow> rows = {
      cell(1 << 10, MemoryKernel::copy, Reach::local, Stores::plain, 100),
      cell(1 << 20, MemoryKernel::copy, Reach::local, Stores::plain, 20)};
  const MemoryRates rates(rows);
  EXPECT_DOUBLE_EQ(rates.best(MemoryKernel::copy, Reach::local, 1 << 15), 60);
  EXPECT_DOUBLE_EQ(rates.best(MemoryKernel::copy, Reach::local, 1 << 10), 100);
  EXPECT_DOUBLE_EQ(rates.best(MemoryKernel::copy, Reach::local, 1), 100);
  EXPECT_DOUBLE_EQ(rates.best(MemoryKernel::copy, Reach::local, 1e12), 20);
  EXPECT_DOUBLE_EQ(rates.best(MemoryKernel::copy, Reach::from, 1 << 10), 0);
  EXPECT_DOUBLE_EQ(rates.best(MemoryKernel::add, Reach::local, 1 << 10), 0);
}

TEST(MemoryRates, the_better_kind_of_store_counts_at_each_size) {
  const std::vector<MemoryRow> rows = {
      cell(1 << 10, MemoryKernel::write, Reach::to, Stores::plain, 60),
      cell(1 << 10, MemoryKernel::write, Reach::to, Stores::stream, 20),
      cell(1 << 20, MemoryKernel::write, Reach::to, Stores::plain, 8),
      cell(1 << 20, MemoryKernel::write, Reach::to, Stores::stream, 24)};
  const MemoryRates rates(rows);
  EXPECT_DOUBLE_EQ(rates.best(MemoryKernel::write, Reach::to, 1 << 10), 60);
  EXPECT_DOUBLE_EQ(rates.best(MemoryKernel::write, Reach::to, 1 << 20), 24);
}

TEST(MemoryFloors, are_the_bytes_that_must_move_over_the_rate) {
  constexpr std::size_t kSize = 1'000'000;
  const std::size_t sizes[] = {kSize};
  for (const std::size_t ranks : {1U, 2U, 4U, 32U}) {
    const auto floors = memory_floors(flat(10), ranks, 0.1, sizes);
    ASSERT_EQ(floors.size(), 3U);
    const double p = static_cast<double>(ranks);
    // 10 GB/s are 10'000 bytes a microsecond.
    EXPECT_NEAR(find(floors, "all_reduce").time, 2 * kSize / 1e4, 1e-6) << ranks;
    EXPECT_NEAR(find(floors, "all_gather").time, (1 + 1 / p) * kSize / 1e4, 1e-6) << ranks;
    EXPECT_NEAR(find(floors, "reduce_scatter").time, (1 + 1 / p) * kSize / 1e4, 1e-6) << ranks;
    for (const Floor& floor : floors) {
      EXPECT_NEAR(floor.bytes_per_rank, floor.time * 1e4, 1e-3) << floor.collective;
      EXPECT_NEAR(floor.alg_bw, kSize / floor.time / 1e3, 1e-9);
      EXPECT_EQ(floor.bound, "bytes");
    }
  }
}

TEST(MemoryFloors, only_what_crosses_ranks_goes_at_the_rate_of_others_memory) {
  std::vector<MemoryRow> rows = flat(10);
  for (MemoryRow& row : rows)
    if (row.reach != Reach::local) row.rank_bw = 5;
  const std::size_t sizes[] = {1'000'000};
  const auto floors = memory_floors(rows, 4, 0, sizes);
  // Three quarters of the two million bytes at 5'000 bytes a microsecond, a quarter at 10'000.
  EXPECT_NEAR(find(floors, "all_reduce").time, 1.5e6 / 5e3 + 0.5e6 / 1e4, 1e-6);
  EXPECT_NEAR(find(floors, "all_gather").time, 0.75e6 / 5e3 + 0.5e6 / 1e4, 1e-6);
  EXPECT_NEAR(find(floors, "reduce_scatter").time, 0.75e6 / 5e3 + 0.5e6 / 1e4, 1e-6);
}

TEST(MemoryFloors, the_cheaper_shape_is_taken) {
  std::vector<MemoryRow> rows = flat(10);
  for (MemoryRow& row : rows) {
    if (row.kernel == MemoryKernel::write && row.reach == Reach::to) row.rank_bw = 1;
    if (row.reach == Reach::both) row.rank_bw = 1;
  }
  const std::size_t sizes[] = {1'000'000};
  const auto floors = memory_floors(rows, 2, 0, sizes);
  EXPECT_EQ(find(floors, "all_gather").shape, "pull");
  EXPECT_EQ(find(floors, "all_reduce").shape, "one-shot");
  EXPECT_NEAR(find(floors, "all_reduce").time, 3e6 / 1e4, 1e-6);
  EXPECT_EQ(find(memory_floors(flat(10), 2, 0, sizes), "all_reduce").shape, "two-shot push");
}

TEST(MemoryFloors, nothing_is_quicker_than_a_cache_line) {
  const std::size_t sizes[] = {64};
  for (const Floor& floor : memory_floors(flat(10), 2, 0.15, sizes)) {
    EXPECT_DOUBLE_EQ(floor.time, 0.15);
    EXPECT_EQ(floor.bound, "line");
  }
}

}  // namespace
}  // namespace rlx::bench
