// Whole runs of rlx-bench put, with ranks as threads.

#include "tools/bench/put_bench.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "rlx/launch.hpp"
#include "tools/bench/engine.hpp"
#include "tools/bench/put_series.hpp"
#include "tools/bench/usage_error.hpp"

namespace rlx::bench {
namespace {

using nlohmann::json;

Options small() {
  Options options;
  options.subject = Subject::put;
  options.sweep = {0, 4096, 1 << 20, 64};  // 0, 1, 64, 4096
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

void expect_row(const json& row, double senders) {
  EXPECT_EQ(row["nwrong"], 0) << row;
  const double time = row["time"];
  EXPECT_GT(time, 0) << row;
  EXPECT_LE(row["time_p10"], row["time"]) << row;
  EXPECT_GE(row["time_p90"], row["time"]) << row;
  EXPECT_EQ(row.contains("rate"), row["what"] != "latency");
  if (row["what"] == "latency") return;
  EXPECT_NEAR(row["rate"].get<double>() * time, 1, 1e-6);
  const double bw = row["size"].get<double>() / time / 1e3;
  EXPECT_NEAR(row["rank_bw"].get<double>(), bw, bw * 1e-6);
  EXPECT_NEAR(row["total_bw"].get<double>(), bw * senders, bw * senders * 1e-6);
}

TEST(PutBench, every_size_has_a_latency_and_rates_that_follow_from_the_time_of_a_message) {
  const json document = run_threads(small(), 2).document;
  EXPECT_EQ(document["benchmark"], "put");
  EXPECT_EQ(document["transport"], "local");
  EXPECT_EQ(document["protocol"], "store");
  EXPECT_EQ(document["pairs"], "rank 0 to rank 1");
  const json& results = document["results"];
  ASSERT_EQ(results.size(), 4U * 3U - 1U);  // nothing is not put without a signal
  EXPECT_EQ(results[1]["what"], "put_signal");
  EXPECT_EQ(results[0]["size"], 0);
  for (const json& row : results) expect_row(row, 1);
}

TEST(PutBench, pairs_reach_across_the_ranks_and_one_without_a_partner_looks_on) {
  for (const std::size_t ranks : {3U, 4U, 5U}) {
    Options options = small();
    options.sweep.min_bytes = options.sweep.max_bytes;
    for (const bool all : {false, true}) {
      for (const bool both : {false, true}) {
        options.all_pairs = all;
        options.bidirectional = both;
        const json document = run_threads(options, ranks).document;
        const std::size_t senders = (all ? ranks / 2 : 1) * (both ? 2 : 1);
        EXPECT_EQ(document["senders"], senders);
        ASSERT_EQ(document["results"].size(), 3U);
        for (const json& row : document["results"]) expect_row(row, static_cast<double>(senders));
      }
    }
    EXPECT_EQ(run_threads(options, ranks).document["pairs"],
              ranks == 3 ? "rank 0 and rank 1, both ways"
                         : "rank i and rank i + 2, i < 2, all at once, both ways");
  }
}

#if RLX_HAVE_OFI
TEST(PutBench, messages_take_all_lanes_of_several_rails) {
  Options options = small();
  options.sweep.max_bytes = 300000;
  options.config.transport = "ofi";
  options.config.provider = "net";
  options.config.rails = 5;  // 80 lanes: words in two groups
  options.bidirectional = true;
  const json document = run_threads(options, 2).document;
  EXPECT_EQ(document["lanes"], 80);
  for (const json& row : document["results"]) expect_row(row, 2);
}
#endif

// Both messages of a round trip, and the last of a series with its acknowledgement, take the delay.
TEST(PutBench, a_delay_of_every_message_is_the_latency) {
  Options options = small();
  options.sweep = {8, 8, 1, 4};
  options.faulty = "delay=1ms";
  options.iterations = 1;
  options.warmup = 0;
  const json document = run_threads(options, 2).document;
  EXPECT_EQ(document["transport"], "faulty(local)");
  EXPECT_GE(document["results"][0]["time"], 1000.0);
  for (const std::size_t series : {1U, 2U}) {
    const json& row = document["results"][series];
    EXPECT_GE(row["time"].get<double>() * row["messages"].get<double>(), 2000.0) << row;
  }
}

/// The bytes that rank 1 takes for wrong when rank 0 sends less than it expects.
std::uint64_t wrong_of_short_messages(PutKind kind) {
  std::uint64_t wrong = 0;
  launch_threads(2, {}, [&](Communicator& comm) {
    const bool sends = comm.rank() == Rank(0);
    const Options options = small();
    LineUp line_up(comm);
    const PutRole role(comm, options);
    PutShape shape = shape_of(128, kind, 4, Cores::one_each);
    Link link(comm, line_up, options, shape.bytes());
    if (sends) shape.size = 100;
    const std::uint64_t found = PutSeries(link, line_up, role, shape).check(7);
    if (!sends) wrong = found;
  });
  return wrong;
}

TEST(PutBench, bytes_that_did_not_come_are_counted_as_wrong) {
  // Every slot lacks 28 bytes, of which one in 256 may be what was there before.
  EXPECT_GT(wrong_of_short_messages(PutKind::put_signal), 4U * 24U);
  EXPECT_LE(wrong_of_short_messages(PutKind::put_signal), 4U * 28U);
  EXPECT_GT(wrong_of_short_messages(PutKind::latency), 4U * 24U);
}

TEST(PutBench, one_rank_alone_is_refused) {
  launch_threads(1, {}, [](Communicator& comm) {
    EXPECT_THROW(static_cast<void>(run_benchmark(comm, small(), "threads", nullptr)), UsageError);
  });
}

TEST(PutBench, nothing_is_checked_where_nobody_asks_for_it) {
  Options options = small();
  options.checks = 0;
  const Outcome outcome = run_threads(options, 2);
  for (const json& row : outcome.document["results"]) EXPECT_TRUE(row["nwrong"].is_null());
  EXPECT_NE(outcome.printed.find("N/A"), std::string::npos);
}

TEST(PutBench, a_series_stays_within_what_words_can_count_and_what_is_outstanding) {
  for (const PutKind kind : kPutKinds) {
    for (std::size_t size = 0; size <= std::size_t{64} << 20; size = size * 4 + 1) {
      const PutShape shape = shape_of(size, kind, 64, Cores::one_each);
      EXPECT_LE(shape.messages, kMaxPart);
      EXPECT_GE(shape.messages, shape.slots);
      EXPECT_LE(shape.slots, 64U);
      EXPECT_GE(shape.stride, size);
      EXPECT_LE(shape.bytes(), std::max(std::size_t{9} << 20, shape.stride));
    }
  }
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

TEST(PutBench, the_table_says_what_the_transport_negotiated_and_who_sends) {
  const std::string table = run_threads(small(), 2).printed;
  for (const char* part :
       {"# nRanks 2", "outstanding: 64", "signals: store", "lanes: 1", "# pairs: rank 0 to rank 1",
        "half a round trip", "put_signal", "Out of bounds values : 0 OK", "Put test concluded"})
    EXPECT_NE(table.find(part), std::string::npos) << part << " in\n" << table;
  std::size_t data = 0;
  for (const std::string& line : lines(table)) data += line.starts_with("#") ? 0 : 1;
  EXPECT_EQ(data, 11U);
}

TEST(PutBench, csv_lines_have_as_many_fields_as_the_heading) {
  Options options = small();
  options.format = Format::csv;
  const std::vector<std::string> csv = lines(run_threads(options, 2).printed);
  ASSERT_EQ(csv.size(), 12U);
  for (const std::string& line : csv)
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), 14) << line;
}

#if RLX_HAVE_OFI
TEST(PutBench, libfabric_says_its_provider_and_protocol) {
  Options options = small();
  options.bidirectional = true;
  options.config.transport = "ofi";
  options.config.provider = "tcp;ofi_rxm";
  options.config.interface = "lo";
  const json document = run_threads(options, 2).document;
  EXPECT_EQ(document["protocol"], "ordered_write");
  EXPECT_NE(document["provider"].get<std::string>().find("tcp;ofi_rxm"), std::string::npos);
  for (const json& row : document["results"]) expect_row(row, 2);
}
#endif

}  // namespace
}  // namespace rlx::bench
