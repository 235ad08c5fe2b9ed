// Whole benchmarks with ranks as threads.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "rlx/collectives.hpp"
#include "rlx/launch.hpp"
#include "tools/bench/engine.hpp"
#include "tools/bench/line_up.hpp"

namespace rlx::bench {
namespace {

using nlohmann::json;

struct Outcome {
  int code = 0;
  json document;
};

Outcome run_threads(Options options, std::size_t ranks) {
  std::string folder = (std::filesystem::temp_directory_path() / "rlx-test-XXXXXX").string();
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  options.output_file = folder + "/run.json";
  options.format = Format::csv;
  std::atomic<int> worst{0};
  testing::internal::CaptureStdout();
  launch_threads(ranks, {.config = options.config}, [&](Communicator& comm) {
    const int code = run_benchmark(comm, options, "threads", nullptr);
    if (code != 0) worst = code;
  });
  testing::internal::GetCapturedStdout();
  Outcome outcome{worst, json::parse(std::ifstream(options.output_file))};
  std::filesystem::remove_all(folder);
  return outcome;
}

Options small(const CollectiveBench& collective) {
  Options options;
  options.collective = &collective;
  options.sweep = {0, 2048, 1, 8};
  options.iterations = 2;
  return options;
}

TEST(Benchmark, every_collective_and_memory_gives_right_results) {
  for (const CollectiveBench* collective : collective_benches()) {
    for (const BufferKind buffers : {BufferKind::heap, BufferKind::private_memory}) {
      for (const std::size_t ranks : {1, 3}) {
        Options options = small(*collective);
        options.buffers = buffers;
        const Outcome outcome = run_threads(options, ranks);
        EXPECT_EQ(outcome.code, kOk)
            << collective->name << ' ' << to_string(buffers) << ' ' << ranks;
        EXPECT_GE(outcome.document["results"].size(), 1U);
        EXPECT_EQ(outcome.document["out_of_bounds"]["count"], 0);
      }
    }
  }
}

TEST(Benchmark, every_type_and_operation_gives_right_results) {
  for (const CollectiveBench* collective : {&kAllReduceBench, &kReduceScatterBench}) {
    Options options = small(*collective);
    options.sweep = {100, 100, 1, 0};
    options.iterations = 1;
    options.dtypes.assign(std::begin(kAllDTypes), std::end(kAllDTypes));
    options.kinds.assign(std::begin(kAllReduceKinds), std::end(kAllReduceKinds));
    const Outcome outcome = run_threads(options, 3);
    EXPECT_EQ(outcome.code, kOk) << collective->name;
    EXPECT_EQ(outcome.document["results"].size(), 14U * 5 + 8 * 3);
  }
}

TEST(Benchmark, sizes_and_counts_are_those_of_nccl_tests) {
  const Outcome outcome = run_threads(small(kAllGatherBench), 2);
  const json& results = outcome.document["results"];
  ASSERT_EQ(results.size(), 4U);
  const std::size_t sizes[] = {0, 8, 64, 512};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(results[i]["size"], sizes[i]);
    EXPECT_EQ(results[i]["count"], sizes[i] / 8);
    EXPECT_EQ(results[i]["redop"], "none");
  }
}

// A ring of 2 ranks moves 64 KiB through slots of 8 KiB: half of it lands in scratch where it is
// reduced, none where it is only gathered; staging holds whole messages of what peers write to.
int ring_pieces(std::string_view collective, BufferKind buffers) {
  const bool is_private = buffers == BufferKind::private_memory;
  if (collective == "all_reduce") return is_private ? 8 : 4;
  if (collective == "all_gather") return is_private ? 8 : 1;
  return collective == "reduce_scatter" ? 4 : 1;
}

TEST(Benchmark, every_row_tells_the_algorithm_and_the_pieces_that_it_travelled_in) {
  for (const CollectiveBench* collective : collective_benches()) {
    for (const BufferKind buffers : {BufferKind::heap, BufferKind::private_memory}) {
      Options options = small(*collective);
      options.buffers = buffers;
      options.sweep = {64, 64 << 10, 1, 1024};
      options.config.slot_bytes = 8 << 10;
      options.config.algorithm = "ring";
      const json results = run_threads(options, 2).document["results"];
      ASSERT_FALSE(results.empty());
      for (const char* placement : {"out_of_place", "in_place"}) {
        const json& last = results.back()[placement];
        const bool moves = collective->has_elements;
        EXPECT_EQ(last["algorithm"], moves ? "ring" : "dissemination") << collective->name;
        EXPECT_EQ(last["pieces"], ring_pieces(collective->name, buffers)) << collective->name;
        EXPECT_EQ(results.front()[placement]["pieces"], 1) << collective->name;
      }
    }
  }
}

// A collective that is wrong in one element on one rank.
struct Broken {
  static void run(Communicator& comm, const Operands& operands) {
    kAllReduceBench.runner(DType::f32, BufferKind::heap, Placement::in_place)(comm, operands);
    if (comm.rank() == Rank(1)) reinterpret_cast<float*>(operands.recv)[3] += 1;
  }
  static Runner runner(DType /*dtype*/, BufferKind buffers, Placement placement) {
    if (placement == Placement::in_place) return run;
    return kAllReduceBench.runner(DType::f32, buffers, placement);
  }
};

TEST(Benchmark, one_wrong_element_on_one_rank_fails_every_rank) {
  CollectiveBench broken = kAllReduceBench;
  broken.runner = Broken::runner;
  Options options = small(broken);
  options.sweep = {64, 64, 1, 0};
  const Outcome outcome = run_threads(options, 2);
  EXPECT_EQ(outcome.code, kWrongData);
  EXPECT_EQ(outcome.document["out_of_bounds"]["okay"], false);
  const json& result = outcome.document["results"][0];
  EXPECT_EQ(result["out_of_place"]["nwrong"], 0);
  EXPECT_EQ(result["in_place"]["nwrong"], 2);  // the last timed call and the checked one
}

// A collective that does nothing: what lies in the output is the poison, or an old result.
void idle(Communicator& /*comm*/, const Operands& /*operands*/) {}

TEST(Benchmark, a_result_that_was_never_written_is_wrong) {
  CollectiveBench broken = kAllGatherBench;
  broken.runner = [](DType, BufferKind, Placement) -> Runner { return idle; };
  Options options = small(broken);
  options.sweep = {64, 64, 1, 0};
  EXPECT_EQ(run_threads(options, 2).code, kWrongData);
}

TEST(Benchmark, without_checks_nothing_is_called_wrong) {
  CollectiveBench broken = kAllReduceBench;
  broken.runner = Broken::runner;
  Options options = small(broken);
  options.checks = 0;
  const Outcome outcome = run_threads(options, 2);
  EXPECT_EQ(outcome.code, kOk);
  EXPECT_TRUE(outcome.document["results"][0]["in_place"]["nwrong"].is_null());
}

TEST(LineUp, nobody_leaves_before_everybody_is_there) {
  constexpr int kRounds = 200;
  std::atomic<int> arrived{0};
  std::atomic<int> early{0};
  launch_threads(3, {}, [&](Communicator& comm) {
    LineUp line_up(comm);
    EXPECT_EQ(line_up.description(), "shared flags");
    for (int round = 1; round <= kRounds; ++round) {
      arrived.fetch_add(1);
      line_up.wait();
      if (arrived.load() < 3 * round) early.fetch_add(1);
      line_up.wait();
    }
  });
  EXPECT_EQ(early.load(), 0);
}

TEST(LineUp, a_rank_that_leaves_by_an_exception_ends_the_waiting) {
  std::atomic<int> told{0};
  launch_threads(2, {}, [&](Communicator& comm) {
    try {
      LineUp line_up(comm);
      line_up.wait();
      if (comm.rank() == Rank(1)) throw std::runtime_error("gone");
      line_up.wait();
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::PeerFailed);
      EXPECT_EQ(error.ranks(), std::vector{Rank(1)});
      told.fetch_add(1);
    } catch (const std::runtime_error&) {
      EXPECT_EQ(comm.rank(), Rank(1));
    }
  });
  EXPECT_EQ(told.load(), 1);
}

}  // namespace
}  // namespace rlx::bench
