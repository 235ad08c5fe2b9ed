// rlx-bench --tune on threads, and what a benchmark makes of the file.

#include "tools/bench/tuning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>

#include "rlx/launch.hpp"
#include "tools/bench/engine.hpp"
#include "tools/bench/tuning_output.hpp"
#include "tools/bench/usage_error.hpp"

namespace rlx::bench {
namespace {

using collectives::Collective;
using collectives::kNoLimit;
using collectives::TuningEntry;
using collectives::TuningTable;
using ::testing::HasSubstr;

class Tuning : public ::testing::Test {
 protected:
  Tuning() {
    std::string name = (std::filesystem::temp_directory_path() / "rlx-test-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    file_ = folder_ / "tuning.json";
  }
  ~Tuning() override { std::filesystem::remove_all(folder_); }

  /// What rank 0 prints.
  static std::string run(std::vector<std::string> arguments, std::size_t ranks) {
    arguments.insert(arguments.begin(), "rlx-bench");
    const Options options = parse_options(arguments).value();
    std::atomic<int> worst{0};
    testing::internal::CaptureStdout();
    launch_threads(ranks, {.config = options.config}, [&](Communicator& comm) {
      if (const int code = run_benchmark(comm, options, "threads", nullptr)) worst = code;
    });
    EXPECT_EQ(worst, kOk);
    return testing::internal::GetCapturedStdout();
  }
  std::string tune(std::size_t ranks, std::vector<std::string> more = {},
                   const std::string& longest = "512") {
    std::vector<std::string> arguments = {"--tune=" + file_, "-b", "8", "-e", longest, "-n", "5"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, ranks);
  }

  std::filesystem::path folder_;
  std::string file_;
};

TEST_F(Tuning, measures_every_kind_of_call_and_adds_numbers_of_ranks_to_the_file) {
  const std::string text = tune(2);
  EXPECT_THAT(text, HasSubstr("# all_gather, 2 ranks, mapped, private, in place: us"));
  EXPECT_THAT(text, HasSubstr("RLX_TUNING=" + file_));
  const TuningTable first = load_tuning(file_);
  EXPECT_EQ(first.entries().size(), 3U * 2 * 2 + 1);
  for (const TuningEntry& entry : first.entries()) {
    EXPECT_EQ(entry.key.ranks, 2U);
    EXPECT_EQ(entry.key.topology, "mapped");
    const bool barrier = entry.key.collective == Collective::barrier;
    const std::uint64_t blocks = entry.key.collective == Collective::all_reduce ? 1 : 2;
    EXPECT_EQ(entry.crossovers.back().up_to, barrier ? kNoLimit : 512 / blocks);
    EXPECT_EQ(entry.from, 0U);
  }
  tune(3, {"all_gather"});
  const TuningTable second = load_tuning(file_);
  EXPECT_EQ(second.entries().size(), first.entries().size() + 4);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "leftovers";
}

TEST_F(Tuning, measures_up_to_the_longest_length_that_was_asked_for) {
  EXPECT_THAT(tune(2, {"all_reduce"}, "600"), HasSubstr("\n         600  "));
  const TuningTable table = load_tuning(file_);
  EXPECT_FALSE(table.entries().empty());
  for (const TuningEntry& entry : table.entries())
    EXPECT_EQ(entry.crossovers.back().up_to, 600U);
}

TEST_F(Tuning, makes_a_file_that_decides_what_a_benchmark_runs) {
  tune(2, {"all_reduce"});
  const std::vector<std::string> benchmark = {"all_reduce", "-b", "64", "-e", "64", "-n", "2"};
  TuningTable table = load_tuning(file_);
  // Whatever won here: the benchmark runs it, and another one when the file names another.
  for (const char* algorithm : {"", "ring", "double_binary_tree"}) {
    std::set<std::string> expected;
    for (TuningEntry entry : std::vector(table.entries().begin(), table.entries().end())) {
      if (*algorithm != '\0') entry.crossovers = {{kNoLimit, algorithm, 0}};
      table.put(entry);
      if (entry.key.input == collectives::MemoryKind::heap)
        expected.insert(table.look_up(entry.key, 64).crossover->algorithm);
    }
    save_tuning(file_, table);
    setenv("RLX_TUNING", file_.c_str(), 1);
    const std::string text = run(benchmark, 2);
    unsetenv("RLX_TUNING");
    std::string names;
    for (const std::string& name : expected) names += (names.empty() ? "" : " or ") + name;
    EXPECT_THAT(text, HasSubstr("# Algorithm            : " + names + "\n"));
  }
}

TEST_F(Tuning, refuses_to_add_to_what_is_no_table_and_leaves_it_alone) {
  std::ofstream(file_) << "a letter to my aunt";
  try {
    static_cast<void>(load_tuning(file_));
    ADD_FAILURE() << "read";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr(file_ + ": line 1 is no JSON"));
  }
  EXPECT_THROW(tune(2), UsageError);
  testing::internal::GetCapturedStdout();
  std::string kept;
  std::getline(std::ifstream(file_), kept);
  EXPECT_EQ(kept, "a letter to my aunt");
}

TEST_F(Tuning, names_the_file_that_can_not_be_written) {
  try {
    save_tuning(folder_ / "no" / "such.json", {});
    ADD_FAILURE() << "written";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("such.json"));
    EXPECT_THAT(error.what(), HasSubstr("No such file or directory"));
  }
}

TEST_F(Tuning, shows_sizes_by_algorithms_with_the_fastest_marked) {
  const std::vector<MeasuredSize> sizes = {
      {8, {{{.algorithm = "ring"}, 2}, {{.algorithm = "lines"}, 1}}},
      {1 << 24,
       {{{.algorithm = "ring"}, 900},
        {{.algorithm = "ring", .streams = true}, 800},
        {{.algorithm = "ring", .piece_bytes = 4096, .streams = true}, 700}}}};
  const std::string text = tuning_text(entry_of({.ranks = 2, .topology = "mapped"}, sizes), sizes);
  EXPECT_THAT(text, HasSubstr("           8        1.00  *        2.00   \n"));
  EXPECT_THAT(text, HasSubstr("    16777216           -         700.00sp*\n"));
  EXPECT_THAT(text, HasSubstr("# Choices: lines up to 11585, ring in pieces of 4096 bytes\n"));
}

}  // namespace
}  // namespace rlx::bench
