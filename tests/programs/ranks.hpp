#pragma once
// Runs a body on ranks: four threads, or, with --mpi, the processes of mpirun.

#include <cstdlib>
#include <functional>
#include <iostream>
#include <string_view>

#include "rlx/rlx.hpp"
#ifdef RLX_HAVE_MPI
#include "rlx/mpi.hpp"
#endif

namespace programs {

inline void expect(bool condition, std::string_view what, const rlx::Communicator& comm) {
  if (condition) return;
  std::cerr << "rank " << comm.rank().value() << ": wrong " << what << std::endl;
  std::_Exit(EXIT_FAILURE);
}

inline int run(int argc, char** argv, const std::function<void(rlx::Communicator&)>& body) {
  try {
    if (argc > 1 && std::string_view(argv[1]) == "--mpi") {
#ifdef RLX_HAVE_MPI
      rlx::Communicator comm = rlx::mpi::communicator();
      body(comm);
      return EXIT_SUCCESS;
#else
      std::cerr << "built without MPI\n";
      return EXIT_FAILURE;
#endif
    }
    rlx::launch_threads(4, {}, body);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return EXIT_FAILURE;
  }
}

}  // namespace programs
