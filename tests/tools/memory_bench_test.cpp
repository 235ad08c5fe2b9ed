// Whole runs of rlx-bench memory, with ranks as threads.

#include "tools/bench/memory_bench.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "rlx/launch.hpp"
#include "tools/bench/engine.hpp"
#include "tools/bench/memory_report.hpp"

namespace rlx::bench {
namespace {

using nlohmann::json;

Options small() {
  Options options;
  options.subject = Subject::memory;
  options.sweep = {16 << 10, 64 << 10, 1 << 20, 4};
  options.iterations = 3;
  return options;
}

/// What rank 0 printed, and its JSON file.
struct Outcome {
  std::string printed;
  json document;
};

Outcome run_threads(Options options, std::size_t ranks) {
  std::string folder = (std::filesystem::temp_directory_path() / "rlx-test-XXXXXX").string();
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  options.output_file = folder + "/run.json";
  testing::internal::CaptureStdout();
  launch_threads(ranks, {.config = options.config}, [&](Communicator& comm) {
    EXPECT_EQ(run_benchmark(comm, options, "threads", nullptr), kOk);
  });
  Outcome outcome{testing::internal::GetCapturedStdout(),
                  json::parse(std::ifstream(options.output_file))};
  std::filesystem::remove_all(folder);
  return outcome;
}

const json* find(const json& results, std::string_view kernel, std::string_view memory,
                 std::string_view stores, std::size_t size) {
  for (const json& row : results)
    if (row["kernel"] == kernel && row["memory"] == memory && row["stores"] == stores &&
        row["size"] == size)
      return &row;
  return nullptr;
}

TEST(MemoryBench, every_cell_has_a_time_and_bandwidths_that_follow_from_it) {
  for (const std::size_t ranks : {1U, 2U, 3U}) {
    const json document = run_threads(small(), ranks).document;
    EXPECT_EQ(document["benchmark"], "memory");
    EXPECT_EQ(document["ranks"], ranks);
    const json& results = document["results"];
    EXPECT_EQ(results.size(), ranks == 1 ? 14U : 44U);
    for (const json& row : results) {
      EXPECT_GT(row["time"], 0.0) << row;
      EXPECT_LE(row["time_p10"], row["time"]) << row;
      EXPECT_GE(row["time_p90"], row["time"]) << row;
      EXPECT_LE(row["bytes"], row["size"]) << row;
      EXPECT_GT(row["bytes"], row["size"].get<double>() * 0.9) << row;
      const double bw = row["bytes"].get<double>() / row["time"].get<double>() / 1e3;
      EXPECT_NEAR(row["rank_bw"].get<double>(), bw, bw * 1e-6);
      EXPECT_NEAR(row["total_bw"].get<double>(), bw * static_cast<double>(ranks), bw * 1e-4);
    }
    for (const char* kernel : {"write", "copy", "add"})
      for (const char* stores : {"plain", "stream"})
        EXPECT_NE(find(results, kernel, "local", stores, 65536), nullptr) << kernel << stores;
    EXPECT_EQ(find(results, "copy", "both", "stream", 65536) != nullptr, ranks > 1);
    EXPECT_EQ(find(results, "read", "to", "none", 65536), nullptr);
    EXPECT_EQ(find(results, "write", "from", "plain", 65536), nullptr);
  }
}

TEST(MemoryBench, every_pair_of_ranks_is_timed) {
  const json pairs_of_one = run_threads(small(), 1).document["cache_line"];
  EXPECT_TRUE(pairs_of_one.is_null());
  const json line = run_threads(small(), 3).document["cache_line"];
  ASSERT_EQ(line["pairs"].size(), 3U);
  EXPECT_EQ(line["pairs"][2]["ranks"], (std::vector<int>{1, 2}));
  for (const json& pair : line["pairs"]) {
    EXPECT_GT(pair["own_lines_ns"], 0.0);
    EXPECT_GT(pair["one_line_ns"], 0.0);
  }
  for (const char* lines : {"own_lines", "one_line"}) {
    EXPECT_GT(line[lines]["ns_p5"], 0.0);
    EXPECT_LE(line[lines]["ns_p5"], line[lines]["ns"]);
    EXPECT_GE(line[lines]["ns_p95"], line[lines]["ns"]);
  }
  EXPECT_EQ(line["samples"], 3);
}

TEST(MemoryBench, floors_are_given_for_every_collective_and_size) {
  for (const std::size_t ranks : {1U, 2U}) {
    const json document = run_threads(small(), ranks).document;
    ASSERT_EQ(document["floors"].size(), 6U);
    EXPECT_FALSE(document["floor_formulas"].empty());
    for (const json& floor : document["floors"]) {
      EXPECT_GT(floor["time"], 0.0);
      EXPECT_GT(floor["alg_bw"], 0.0);
      EXPECT_GT(floor["bytes_per_rank"], floor["size"]) << floor;
      if (ranks > 1) {
        EXPECT_GE(floor["time"].get<double>(),
                  document["cache_line"]["own_lines"]["ns"].get<double>() / 1e3 * 0.999);
      }
    }
  }
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

TEST(MemoryBench, the_table_says_what_is_counted_and_how_the_floor_is_computed) {
  const std::string table = run_threads(small(), 2).printed;
  for (const char* part : {"bytes read and bytes written", "# nRanks 2", "one way", "2n/p",
                           "two-shot push", "Memory test concluded"})
    EXPECT_NE(table.find(part), std::string::npos) << part << " in\n" << table;
  std::size_t data = 0;
  for (const std::string& line : lines(table)) data += line.starts_with("#") ? 0 : 1;
  EXPECT_EQ(data, 44U + 2U + 6U);
}

TEST(MemoryBench, ranks_that_take_turns_on_the_cores_are_told_of) {
  Options options;
  RunInfo info{.options = &options, .ranks = 3, .cores = 2};
  for (const bool crowded : {true, false}) {
    std::ostringstream out;
    memory_table_report(out)->begin(info, "AVX3");
    EXPECT_EQ(out.str().find("take turns on 2 cores") != std::string::npos, crowded);
    info.ranks = 2;
  }
}

TEST(MemoryBench, csv_lines_have_as_many_fields_as_the_heading) {
  Options options = small();
  options.format = Format::csv;
  const std::vector<std::string> csv = lines(run_threads(options, 2).printed);
  ASSERT_EQ(csv.size(), 1U + 44U + 2U + 6U);
  for (const std::string& line : csv)
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), 11) << line;
}

}  // namespace
}  // namespace rlx::bench
