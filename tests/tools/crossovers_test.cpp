#include "tools/bench/crossovers.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace rlx::bench {
namespace {

using collectives::Crossover;
using collectives::kNoLimit;
using collectives::TuningEntry;

constexpr std::uint64_t kLong = std::uint64_t{16} << 20;

MeasuredSize size_of(std::uint64_t bytes, double a, double b) {
  return {bytes, {{{.algorithm = "a"}, a}, {{.algorithm = "b"}, b}}};
}

/// One algorithm, through and past the caches.
MeasuredSize streamed(std::uint64_t bytes, double through, double past) {
  return {bytes, {{{.algorithm = "a"}, through}, {{.algorithm = "a", .streams = true}, past}}};
}

TEST(Crossovers, lie_halfway_by_factor_between_the_sizes_that_were_measured) {
  const TuningEntry entry = entry_of(
      {}, {size_of(8, 1, 2), size_of(100, 1, 2), size_of(400, 3, 2), size_of(kLong, 9, 8)});
  EXPECT_EQ(entry.from, 0U);
  EXPECT_EQ(entry.crossovers, (std::vector<Crossover>{{200, "a", 0}, {kNoLimit, "b", 0}}));
}

TEST(Crossovers, claim_nothing_beyond_what_was_measured) {
  const TuningEntry entry = entry_of({}, {size_of(64, 1, 2), size_of(1024, 1, 2)});
  EXPECT_EQ(entry.from, 64U);
  EXPECT_EQ(entry.crossovers, (std::vector<Crossover>{{1024, "a", 0}}));
  EXPECT_EQ(entry_of({}, {size_of(0, 1, 2)}).crossovers.back().up_to, kNoLimit) << "a barrier";
}

TEST(Crossovers, are_not_made_by_noise) {
  const TuningEntry entry = entry_of(
      {}, {size_of(8, 10, 12), size_of(64, 10, 9.9), size_of(512, 10, 12), size_of(4096, 10, 9)});
  EXPECT_EQ(entry.crossovers, (std::vector<Crossover>{{1448, "a", 0}, {4096, "b", 0}}));
}

TEST(Crossovers, keep_the_pieces_that_won) {
  MeasuredSize cut = size_of(kLong, 10, 12);
  cut.times.push_back({{.algorithm = "a", .piece_bytes = 4096}, 8});
  const TuningEntry entry = entry_of({}, {size_of(1 << 20, 1, 2), cut});
  EXPECT_EQ(entry.crossovers, (std::vector<Crossover>{{4 << 20, "a", 0}, {kNoLimit, "a", 4096}}));
}

TEST(Crossovers, stream_from_where_it_gains_at_all_longer_lengths) {
  const auto from = [](std::vector<MeasuredSize> sizes) { return entry_of({}, sizes).stream_from; };
  EXPECT_EQ(
      from({streamed(100, 2, 1), streamed(400, 1, 2), streamed(1600, 2, 1), streamed(kLong, 2, 1)}),
      801U);
  EXPECT_EQ(from({streamed(100, 2, 1), streamed(kLong, 2, 1)}), 100U);
  EXPECT_EQ(from({size_of(100, 1, 2), streamed(kLong, 2, 1)}), kLong);
  EXPECT_EQ(from({streamed(100, 2, 1), streamed(kLong, 1, 2)}), kNoLimit) << "never";
  EXPECT_EQ(from({streamed(100, 1, 2)}), std::nullopt) << "nobody knows about longer ones";
  EXPECT_EQ(from({size_of(kLong, 1, 2)}), std::nullopt) << "not measured";
}

RC_GTEST_PROP(Crossovers, name_what_was_within_three_percent_of_the_best_at_every_size, ()) {
  const auto lengths = *rc::gen::nonEmpty(
      rc::gen::container<std::set<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(8, kLong * 4)));
  std::vector<MeasuredSize> sizes;
  for (const std::uint64_t bytes : lengths)
    sizes.push_back(size_of(bytes, *rc::gen::inRange(1, 50), *rc::gen::inRange(1, 50)));
  TuningEntry entry = entry_of({.ranks = 2, .topology = "mapped"}, sizes);
  std::uint64_t before = 0;
  for (const Crossover& one : entry.crossovers) {
    RC_ASSERT(one.up_to > before);
    before = one.up_to;
  }
  collectives::TuningTable table;
  table.put(entry);
  for (const MeasuredSize& size : sizes) {
    const auto answer = table.look_up(entry.key, size.bytes);
    RC_ASSERT(answer.crossover != nullptr);
    const double us = size.times[answer.crossover->algorithm == "a" ? 0 : 1].us;
    RC_ASSERT(us <= 1.03 * fastest(size).us);
  }
}

}  // namespace
}  // namespace rlx::bench
