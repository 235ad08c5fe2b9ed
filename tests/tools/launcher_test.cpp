#include "tools/bench/launcher.hpp"

#include <gtest/gtest.h>

#include <map>

namespace rlx::bench {
namespace {

Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

const LaunchChoice kAuto{};
const LaunchChoice kMpi{LaunchKind::mpi, 0};

TEST(Launcher, auto_follows_whoever_started_the_process) {
  EXPECT_EQ(resolve_launch(kAuto, environment({{"PMIX_RANK", "0"}}), true).kind, LaunchKind::mpi);
  EXPECT_EQ(resolve_launch(kAuto, environment({{"PMI_RANK", "1"}}), true).kind, LaunchKind::mpi);
  EXPECT_EQ(resolve_launch(kAuto, environment({{"RLX_RENDEZVOUS", "n:1"}}), true).kind,
            LaunchKind::rendezvous);
  EXPECT_EQ(resolve_launch(kAuto, environment({}), true).kind, LaunchKind::mpi);
}

TEST(Launcher, without_mpi_a_process_that_nobody_launched_is_one_thread) {
  const LaunchChoice choice = resolve_launch(kAuto, environment({}), false);
  EXPECT_EQ(choice.kind, LaunchKind::threads);
  EXPECT_EQ(choice.ranks, 1U);
}

TEST(Launcher, what_was_asked_for_is_kept) {
  const LaunchChoice asked{LaunchKind::fork, 3};
  EXPECT_EQ(resolve_launch(asked, environment({{"PMIX_RANK", "0"}}), true).kind, LaunchKind::fork);
}

TEST(Launcher, a_size_without_a_process_manager_names_mpirun) {
  const auto conflict = launch_conflict(kMpi, environment({{"OMPI_COMM_WORLD_SIZE", "4"}}));
  ASSERT_TRUE(conflict);
  EXPECT_NE(conflict->find("OMPI_COMM_WORLD_SIZE=4"), std::string::npos) << *conflict;
  EXPECT_NE(conflict->find("mpirun -n 4"), std::string::npos) << *conflict;
}

TEST(Launcher, srun_without_pmix_names_the_option) {
  const auto conflict = launch_conflict(kMpi, environment({{"SLURM_STEP_NUM_TASKS", "8"}}));
  ASSERT_TRUE(conflict);
  EXPECT_NE(conflict->find("--mpi=pmix"), std::string::npos) << *conflict;
}

TEST(Launcher, a_launched_process_does_not_start_ranks_of_its_own) {
  const auto env = environment({{"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_RANK", "1"}});
  EXPECT_TRUE(launch_conflict({LaunchKind::threads, 2}, env));
  EXPECT_TRUE(launch_conflict({LaunchKind::fork, 2}, env));
  EXPECT_FALSE(launch_conflict(kMpi, env));
}

TEST(Launcher, one_rank_conflicts_with_nothing) {
  EXPECT_FALSE(launch_conflict(kMpi, environment({})));
  EXPECT_FALSE(launch_conflict(kMpi, environment({{"OMPI_COMM_WORLD_SIZE", "1"}})));
  EXPECT_FALSE(launch_conflict({LaunchKind::threads, 4}, environment({})));
}

}  // namespace
}  // namespace rlx::bench
