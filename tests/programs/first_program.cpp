// The first program of README.md: mpirun -n 4 ./first_program
#include <cstdio>

#include "rlx/mpi.hpp"
#include "rlx/rlx.hpp"

int main() {
  rlx::Communicator comm = rlx::mpi::communicator();

  // A million floats of symmetric memory: communicated where they lie, without copies.
  auto gradient = comm.allocate<float>(1'000'000);
  for (float& x : gradient) x = static_cast<float>(comm.rank().value());

  rlx::all_reduce(comm, gradient, rlx::ReduceKind::Mean);

  std::printf("rank %u of %zu: the mean is %g\n", comm.rank().value(), comm.size(), gradient[0]);
}
