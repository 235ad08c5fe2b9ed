#pragma once
// How a test program gets its ranks: --launch, --transport, --provider, --faulty.

#include <functional>
#include <set>
#include <string>

#include "rlx/rlx.hpp"
#include "tests/programs/arguments.hpp"

namespace programs {

/// The options that launch() reads.
[[nodiscard]] std::set<std::string> with_launch_options(std::set<std::string> own);

struct Launch {
  enum class Kind { mpi, threads, fork, rendezvous } kind = Kind::threads;
  std::size_t ranks = 4;             ///< threads and fork
  rlx::CommunicatorOptions options;  ///< transport, provider and decoration included
};

/// --launch mpi|threads:N|fork:N|rendezvous (RLX_RENDEZVOUS, RLX_RANK, RLX_SIZE). Without it: MPI
/// below mpirun, else `otherwise`; the transport `local` has threads only and then takes the number
/// of ranks that mpirun promised.
/// --transport takes the names of rlx and, for short, faulty (local with everything it can do), tcp
/// and net (ofi with that provider). libfabric's own shm is --transport ofi --provider shm.
[[nodiscard]] Launch parse_launch(const Arguments& arguments, const Launch& otherwise);

/// Runs `body` on every rank. The exit code: the worst of the ranks this process knows of. A second
/// process of mpirun has nothing to do where the first runs everybody as threads.
[[nodiscard]] int launch(const Launch& launch, const std::function<int(rlx::Communicator&)>& body);

}  // namespace programs
