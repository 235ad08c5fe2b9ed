#include "tools/bench/launcher.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

namespace rlx::bench {
namespace {

/// Zero where the variable is unset or no number.
std::size_t number(const Environment& environment, const char* name) {
  const char* text = environment(name);
  if (text == nullptr) return 0;
  const std::string_view digits(text);
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc{} && end == digits.data() + digits.size() ? value : 0;
}

bool is_set(const Environment& environment, const char* name) {
  return environment(name) != nullptr;
}

bool has_process_manager(const Environment& environment) {
  return is_set(environment, "PMIX_RANK") || is_set(environment, "PMIX_NAMESPACE") ||
         is_set(environment, "PMI_RANK");
}

/// A variable by which a launcher announces how many ranks it started.
struct Announced {
  const char* variable = nullptr;
  std::size_t ranks = 0;
};

Announced announced_ranks(const Environment& environment) {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    const std::size_t ranks = number(environment, variable);
    if (ranks > 0) return {variable, ranks};
  }
  return {};
}

}  // namespace

LaunchChoice resolve_launch(LaunchChoice asked, const Environment& environment, bool has_mpi) {
  if (asked.kind != LaunchKind::automatic) return asked;
  const bool rendezvous = is_set(environment, "RLX_RENDEZVOUS");
  const bool announced = announced_ranks(environment).ranks > 0 && !rendezvous;
  if (has_mpi && (has_process_manager(environment) || announced)) return {LaunchKind::mpi, 0};
  if (rendezvous) return {LaunchKind::rendezvous, 0};
  if (has_mpi) return {LaunchKind::mpi, 0};
  return {LaunchKind::threads, 1};
}

std::optional<std::string> launch_conflict(LaunchChoice choice, const Environment& environment) {
  const Announced announced = announced_ranks(environment);
  if (announced.ranks <= 1) return std::nullopt;
  if (choice.kind == LaunchKind::threads || choice.kind == LaunchKind::fork) {
    return fmt::format(
        "{}={} says that a launcher started {} processes, and each would run --launch {}:{} for "
        "itself. Drop the launcher or use --launch mpi.",
        announced.variable, announced.ranks, announced.ranks, to_string(choice.kind), choice.ranks);
  }
  if (choice.kind != LaunchKind::mpi || has_process_manager(environment)) return std::nullopt;
  if (announced.variable == std::string_view("SLURM_STEP_NUM_TASKS")) {
    return fmt::format(
        "SLURM_STEP_NUM_TASKS={}, but srun offers no process manager that MPI could ask: each task "
        "would be a job of one rank. Start with srun --mpi=pmix, or with mpirun.",
        announced.ranks);
  }
  return fmt::format(
      "{}={} says that this is one of {} ranks, but no mpirun started it (PMIX_RANK is not set): "
      "MPI would find 1 rank. Start with 'mpirun -n {} rlx-bench ...', or unset {}.",
      announced.variable, announced.ranks, announced.ranks, announced.ranks, announced.variable);
}

}  // namespace rlx::bench
