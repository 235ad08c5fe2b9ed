#include "tools/bench/launch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "rlx/launch.hpp"
#ifdef RLX_HAVE_MPI
#include "rlx/mpi.hpp"
#endif
#include "tools/bench/engine.hpp"
#include "tools/bench/error_block.hpp"
#include "tools/bench/launcher.hpp"
#include "tools/bench/usage_error.hpp"
#include "transports/faulty/faulty_transport.hpp"

namespace rlx::bench {
namespace {

#ifdef RLX_HAVE_MPI
constexpr bool kHasMpi = true;
#else
constexpr bool kHasMpi = false;
#endif

const char* process_environment(const char* name) { return std::getenv(name); }

CommunicatorOptions communicator_options(const Options& options, const RankPlace& place) {
  CommunicatorOptions result;
  result.device = device_of(options.devices, place);
  result.config = options.config;
  if (options.faulty) {
    result.decorate = [spec = *options.faulty](std::unique_ptr<SymmetricTransport> inner) {
      return make_faulty(std::move(inner), spec);
    };
  }
  return result;
}

std::string name_of(const Communicator& comm) {
  return fmt::format("rank {} of {}", comm.rank().value(), comm.size());
}

/// Before the communicator knows: what the launcher calls this process.
std::string launched_name() {
  const char* rank = std::getenv("PMIX_RANK");
  if (rank == nullptr) rank = std::getenv("PMI_RANK");
  return rank != nullptr ? fmt::format("rank {}", rank) : "the launch";
}

/// In one piece, so that the ranks' blocks do not mix.
void print_error(const std::string& text) {
  std::cout.flush();
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

/// After a failure, so that the others can still ask this rank what it knows.
void linger() { std::this_thread::sleep_for(std::chrono::milliseconds(500)); }

/// One rank. What it throws is printed here and becomes its exit code.
int run_rank(Communicator& comm, const Options& options, LaunchKind kind, Rival* rival) {
  int code = kFailed;
  try {
    code = run_benchmark(comm, options, to_string(kind), rival);
  } catch (const CollectiveError& error) {
    print_error(error_block(error, name_of(comm)));
  } catch (const UsageError& error) {
    if (*error.what() != '\0') print_error(fmt::format("rlx-bench: {}\n", error.what()));
    code = kUsage;
  } catch (const std::exception& error) {
    print_error(fmt::format("rlx-bench: {} stopped: {}\n", name_of(comm), error.what()));
  }
  std::cout.flush();
  return code;
}

int run_threads(const Options& options, std::size_t ranks) {
  std::atomic<int> worst{kOk};
  const auto count = static_cast<std::uint32_t>(ranks);
  const auto options_of = [&](Rank rank) {
    return communicator_options(options, {rank.value(), rank.value(), count});
  };
  launch_threads_each(ranks, options_of, [&](Communicator& comm) {
    const int code = run_rank(comm, options, LaunchKind::threads, nullptr);
    int seen = worst.load();
    while (code > seen && !worst.compare_exchange_weak(seen, code)) {
    }
  });
  return worst.load();
}

int run_fork(const Options& options, std::size_t ranks) {
  if (!options.devices.empty())
    throw UsageError("--device is not for --launch fork: use threads:N, or mpirun");
  const std::vector<int> codes = launch_fork(
      ranks, communicator_options(options, {}),
      [&](Communicator& comm) { return run_rank(comm, options, LaunchKind::fork, nullptr); });
  const int worst = *std::max_element(codes.begin(), codes.end());
  return worst == kUsage ? kFailed : worst;  // a child that could not be wired ends with 1
}

int run_rendezvous(const Options& options) {
  const auto rank = static_cast<std::uint32_t>(std::max<std::int64_t>(options.config.rank, 0));
  Communicator comm =
      rendezvous_communicator(communicator_options(options, {rank, rank, rank + 1}));
  const int code = run_rank(comm, options, LaunchKind::rendezvous, nullptr);
  if (code == kFailed) linger();
  return code;
}

#ifdef RLX_HAVE_MPI
/// A failed process ends without MPI_Finalize, which would wait for ranks that are gone. mpirun
/// then ends the others, so they get a moment to print what they know.
[[noreturn]] void leave_failed_job(int code) {
  linger();
  std::_Exit(code);
}

int run_mpi(const Options& options) {
  std::optional<Communicator> comm;
  try {
    const mpi::Place place = mpi::place_of();
    comm.emplace(mpi::communicator(
        MPI_COMM_WORLD,
        communicator_options(options, {place.rank, place.local_rank, place.local_ranks})));
  } catch (const CollectiveError& error) {
    print_error(error_block(error, launched_name()));
    leave_failed_job(kFailed);
  }
  const std::unique_ptr<Rival> rival = options.against_mpi ? mpi_rival() : nullptr;
  const int code = run_rank(*comm, options, LaunchKind::mpi, rival.get());
  if (code == kFailed) leave_failed_job(code);
  return code;
}
#else
int run_mpi(const Options& /*options*/) {
  throw UsageError("this rlx-bench was built without MPI: use --launch threads:N or fork:N");
}
#endif

int run(const Options& options, LaunchChoice choice) {
  switch (choice.kind) {
    case LaunchKind::threads:
      return run_threads(options, choice.ranks);
    case LaunchKind::fork:
      return run_fork(options, choice.ranks);
    case LaunchKind::rendezvous:
      return run_rendezvous(options);
    case LaunchKind::automatic:
    case LaunchKind::mpi:
      break;
  }
  return run_mpi(options);
}

}  // namespace

int launch(const Options& options) {
  const LaunchChoice choice = resolve_launch(options.launch, process_environment, kHasMpi);
  if (const auto conflict = launch_conflict(choice, process_environment)) {
    throw UsageError(*conflict);
  }
  if (options.against_mpi && choice.kind != LaunchKind::mpi) {
    throw UsageError(
        fmt::format("--against mpi needs ranks of MPI, not --launch {}: start with "
                    "mpirun -n N rlx-bench ...",
                    to_string(choice.kind)));
  }
  try {
    return run(options, choice);
  } catch (const CollectiveError& error) {
    print_error(error_block(error, launched_name()));
    return kFailed;
  }
}

}  // namespace rlx::bench
