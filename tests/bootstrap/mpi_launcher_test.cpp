#include "rlx/mpi_launcher.hpp"

#include <gtest/gtest.h>

#include <map>

namespace rlx::mpi::detail {
namespace {

std::map<std::string, std::string> table;

const char* from_table(const char* name) {
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second.c_str();
}

std::string refusal(int world) {
  try {
    refuse_mismatch(launcher_claim(from_table), world, "Some MPI v1");
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Launch);
    return error.what();
  }
  return {};
}

TEST(Launcher, no_variables_promise_nothing) {
  table = {};
  EXPECT_FALSE(launcher_claim(from_table).has_value());
  EXPECT_EQ(refusal(1), "");
}

TEST(Launcher, each_launcher_is_named_with_both_numbers_and_the_fix) {
  struct Case {
    std::map<std::string, std::string> variables;
    const char* variable;
    const char* fix;
  };
  for (const Case& c :
       {Case{{{"OMPI_COMM_WORLD_SIZE", "4"}}, "OMPI_COMM_WORLD_SIZE=4", "mpirun -n 4"},
        Case{{{"PMI_SIZE", "3"}}, "PMI_SIZE=3", "mpirun -n 3"},
        Case{{{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}, {"SLURM_STEP_ID", "0"}},
             "SLURM_NTASKS=8",
             "srun --mpi=pmix -n 8"},
        Case{{{"SLURM_STEP_NUM_TASKS", "2"},
              {"SLURM_NTASKS", "8"},
              {"SLURM_PROCID", "0"},
              {"SLURM_STEPID", "1"}},
             "SLURM_STEP_NUM_TASKS=2",
             "srun --mpi=pmix -n 2"}}) {
    table = c.variables;
    const std::string words = refusal(1);
    for (const char* part : {c.variable, c.fix, "world of 1", "Some MPI v1"})
      EXPECT_NE(words.find(part), std::string::npos) << part << " is not in: " << words;
    EXPECT_EQ(refusal(2), "") << "a world of several was launched";
  }
}

TEST(Launcher, a_slurm_allocation_without_a_step_promises_nothing) {
  table = {{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}};
  EXPECT_FALSE(launcher_claim(from_table).has_value());
  table = {{"SLURM_NTASKS", "8"}};
  EXPECT_FALSE(launcher_claim(from_table).has_value());
}

TEST(Launcher, mpirun_within_a_slurm_step_counts_before_slurm) {
  table = {{"OMPI_COMM_WORLD_SIZE", "1"},
           {"SLURM_NTASKS", "8"},
           {"SLURM_PROCID", "0"},
           {"SLURM_STEP_ID", "0"}};
  EXPECT_EQ(refusal(1), "");
}

TEST(Launcher, one_process_or_nonsense_is_never_refused) {
  for (const char* text : {"1", "0", "-3", "", "many"}) {
    table = {{"OMPI_COMM_WORLD_SIZE", text}};
    EXPECT_EQ(refusal(1), "") << text;
  }
}

TEST(Launcher, open_mpi_is_reachable_through_pmix_alone) {
  table = {{"OMPI_COMM_WORLD_SIZE", "4"}, {"PMI_FD", "5"}};
  EXPECT_FALSE(launcher_reachable(Family::open_mpi, from_table));
  EXPECT_TRUE(launcher_reachable(Family::other, from_table));
  table.emplace("PMIX_NAMESPACE", "1");
  EXPECT_TRUE(launcher_reachable(Family::open_mpi, from_table));
}

}  // namespace
}  // namespace rlx::mpi::detail
