// Standard containers in symmetric memory, as in README.md: communicated where they lie, grown and
// released as containers are.

#include "tests/programs/ranks.hpp"

namespace {

void average(rlx::Communicator& comm, std::size_t n) {
  // Vectors of the communicator's heap: every member makes and grows them alike.
  rlx::SymmetricVector<float> gradient(n, 1.0f, comm);
  std::pmr::vector<float> weights(n, comm.memory_resource());
  rlx::all_reduce(comm, gradient, weights, rlx::ReduceKind::Mean);

  gradient.push_back(2.0f);  // a new allocation, on all members
  rlx::all_reduce(comm, gradient, rlx::ReduceKind::Sum);

  // A part of such memory, named as symmetric; a plain span of it would count as private.
  auto first_half = comm.memory_resource()->view(std::span(weights).first(n / 2));
  rlx::all_reduce(comm, first_half, rlx::ReduceKind::Sum);

  const auto ranks = static_cast<float>(comm.size());
  programs::expect(gradient[0] == ranks && gradient[n] == 2 * ranks, "gradient", comm);
  programs::expect(n < 2 || (weights[0] == ranks && weights[n - 1] == 1), "weights", comm);
}

}  // namespace

int main(int argc, char** argv) {
  return programs::run(argc, argv, [](rlx::Communicator& comm) {
    for (int round = 0; round < 10; ++round)
      for (const std::size_t n : {1, 2, 77, 5000, 300000}) average(comm, n);
  });
}
