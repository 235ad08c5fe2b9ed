// The same under mpirun, and with MPI finalised while the communicator lives on.
#include <cstdio>
#include <rlx/mpi.hpp>
#include <rlx/rlx.hpp>
#include <vector>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  rlx::Communicator comm = rlx::mpi::communicator(MPI_COMM_WORLD);
  MPI_Finalize();
  std::vector<double> x(1000, 1.0);
  rlx::all_reduce(comm, x, rlx::ReduceKind::Sum);
  return x.front() == static_cast<double>(comm.size()) && x.back() == x.front() ? 0 : 1;
}
