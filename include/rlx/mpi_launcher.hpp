#pragma once
// Whether the program was started by the launcher of the MPI that it is linked with. When it was
// not, MPI quietly makes a world of one process for each, and every one of them computes alone.
// Part of rlx/mpi.hpp; needs no MPI itself.

#include <cstdlib>
#include <optional>
#include <string>

#include "rlx/error.hpp"

namespace rlx::mpi::detail {

/// How many processes the launcher says there are, and which variable says so.
struct LauncherClaim {
  std::string variable;
  long size = 0;
  std::string fix;  ///< what to type instead
};

/// getenv, or a table in tests.
using Environment = const char* (*)(const char* name);
inline const char* process_environment(const char* name) { return std::getenv(name); }

/// The innermost launcher's claim. mpirun inside a Slurm job leaves both launchers' variables, and
/// its own are the ones that count; a Slurm allocation without a step (salloc, a batch script)
/// promises nothing about this process.
inline std::optional<LauncherClaim> launcher_claim(Environment environment) {
  const auto number = [&](const char* name) {
    const char* text = environment(name);
    return text == nullptr ? 0L : std::strtol(text, nullptr, 10);
  };
  const auto claim = [&](const char* name, const char* how) {
    return LauncherClaim{name, number(name), how + std::to_string(number(name)) + " PROGRAM"};
  };
  if (number("OMPI_COMM_WORLD_SIZE") > 0) return claim("OMPI_COMM_WORLD_SIZE", "mpirun -n ");
  const bool step = environment("SLURM_PROCID") != nullptr &&
                    (environment("SLURM_STEP_ID") || environment("SLURM_STEPID"));
  if (step && number("SLURM_STEP_NUM_TASKS") > 0)
    return claim("SLURM_STEP_NUM_TASKS", "srun --mpi=pmix -n ");
  if (step && number("SLURM_NTASKS") > 0) return claim("SLURM_NTASKS", "srun --mpi=pmix -n ");
  if (number("PMI_SIZE") > 0) return claim("PMI_SIZE", "mpirun -n ");
  return {};
}

enum class Family { open_mpi, other };

/// Whether MPI_Init can meet the other processes. Open MPI finds them through PMIx alone; without
/// it MPI_Init makes a world of one (seen with OMPI_COMM_WORLD_SIZE, PMI_SIZE and SLURM_NTASKS) or
/// aborts (srun --mpi=pmi2). Other libraries are asked after MPI_Init.
inline bool launcher_reachable(Family family, Environment environment) {
  return family != Family::open_mpi || environment("PMIX_NAMESPACE") != nullptr;
}

/// Throws CollectiveError(Launch), naming the variable, both numbers and the fix, when the launcher
/// promised several processes and MPI sees a `world` of one.
inline void refuse_mismatch(const std::optional<LauncherClaim>& claim, int world,
                            const std::string& library) {
  if (!claim || claim->size <= 1 || world != 1) return;
  const std::string size = std::to_string(claim->size);
  throw CollectiveError(ErrorKind::Launch, "rlx::mpi::communicator",
                        "the launcher says " + size + " processes (" + claim->variable + "=" +
                            size + "), but " + library +
                            " is not connected to it and sees a world of 1. Start the program with "
                            "this MPI's own launcher: `" +
                            claim->fix + "`; to run one process alone, unset " + claim->variable +
                            "; an MPI that does reach it can be initialised before this call");
}

}  // namespace rlx::mpi::detail
