// Measured choices: rank 0's file holds on every rank, and what is wrong with it is told to all.

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "collectives/tuning_table.hpp"
#include "lib/communicator/tuning_file.hpp"
#include "support.hpp"

namespace rlx::test {
namespace {

using collectives::Collective;
using collectives::kNoLimit;
using collectives::TuningTable;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "rlx-test-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  [[nodiscard]] std::string missing() const { return path_ / "missing.json"; }

 private:
  std::filesystem::path path_;
};

/// For all_reduce of heap memory out of place on two ranks; `padding` makes it long.
std::string table_of(const std::string& algorithm, std::size_t padding = 0) {
  TuningTable table;
  table.put({.key = {.collective = Collective::all_reduce, .ranks = 2, .topology = "mapped"},
             .crossovers = {{kNoLimit, algorithm, 0}},
             .measured = std::string(padding, 'x')});
  return table.print();
}

/// The algorithm of an all_reduce, or the error, of each of two ranks with files of their own.
std::vector<std::string> chosen_with(const std::vector<std::string>& files,
                                     const std::string& forced = "") {
  auto bootstraps = thread_bootstraps(files.size(), 20);
  std::vector<std::string> chosen(files.size());
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < files.size(); ++i)
    threads.emplace_back([&, i] {
      CommunicatorOptions options = options_with(forced);
      options.config.tuning = files[i];
      try {
        Communicator comm(*bootstraps[i], options);
        auto in = comm.allocate<float>(100);
        auto out = comm.allocate<float>(100);
        chosen[i] = plan_all_reduce(comm, in, out, ReduceKind::Sum).algorithm();
        all_reduce(comm, in, out, ReduceKind::Sum);
      } catch (const CollectiveError& error) {
        chosen[i] = std::string(to_string(error.kind())) + ": " + error.details().message;
      }
    });
  threads.clear();
  return chosen;
}

TEST(Tuning, rank_0s_table_holds_on_every_rank) {
  const Folder folder;
  const std::string ring = folder.file("ring.json", table_of("ring"));
  const std::string tree = folder.file("tree.json", table_of("double_binary_tree"));
  const std::string broken = folder.file("broken.json", "{");
  const auto both = [](const char* name) { return std::vector<std::string>{name, name}; };
  EXPECT_EQ(chosen_with({ring, tree}), both("ring"));
  EXPECT_EQ(chosen_with({tree, ring}), both("double_binary_tree"));
  EXPECT_EQ(chosen_with({ring, folder.missing()}), both("ring"));
  EXPECT_EQ(chosen_with({ring, broken}), both("ring"));
  EXPECT_EQ(chosen_with({ring, "off"}), both("ring"));
  const auto without = chosen_with({"off", ring});
  EXPECT_EQ(without[0], without[1]);
  EXPECT_NE(without[0], "ring");
}

TEST(Tuning, a_table_of_several_parts_arrives_whole) {
  const Folder folder;
  for (const std::size_t padding : {3500UL, 4096UL, 10'000UL})
    EXPECT_EQ(chosen_with({folder.file("long.json", table_of("ring", padding)), "off"}),
              (std::vector<std::string>{"ring", "ring"}));
}

TEST(Tuning, a_forced_algorithm_stays_forced) {
  const Folder folder;
  const std::string ring = folder.file("ring.json", table_of("ring"));
  EXPECT_EQ(chosen_with({ring, ring}, "circulant"),
            (std::vector<std::string>{"circulant", "circulant"}));
}

TEST(Tuning, a_file_that_rank_0_can_not_use_is_an_error_on_every_rank) {
  const Folder folder;
  const std::string good = folder.file("good.json", table_of("ring"));
  const std::string unknown = folder.file("unknown.json", table_of("rign"));
  for (const std::string& error : chosen_with({unknown, good}))
    EXPECT_THAT(error,
                AllOf(HasSubstr("InvalidArgument: " + unknown), HasSubstr("choices[0].algorithm"),
                      HasSubstr("\"rign\""), HasSubstr("RLX_TUNING=off")));
  for (const std::string& error : chosen_with({folder.missing(), good}))
    EXPECT_THAT(error, AllOf(HasSubstr("InvalidArgument: " + folder.missing()),
                             HasSubstr("No such file"), HasSubstr("rlx-bench --tune=")));
  for (const std::string& error :
       chosen_with({std::filesystem::temp_directory_path().string(), good}))
    EXPECT_THAT(error, HasSubstr("Is a directory"));
}

TEST(Tuning, the_installed_table_is_taken_only_where_it_is) {
  Config config;
  config.tuning = "off";
  EXPECT_FALSE(detail::tuning_path(config).has_value());
  config.tuning = "some.json";
  EXPECT_EQ(detail::tuning_path(config), "some.json");
  config.tuning.clear();
  const std::string installed(detail::installed_tuning_path());
  EXPECT_TRUE(installed.ends_with("/rlx/tuning.json")) << installed;
  EXPECT_EQ(detail::tuning_path(config).has_value(), std::filesystem::exists(installed));
}

}  // namespace
}  // namespace rlx::test
