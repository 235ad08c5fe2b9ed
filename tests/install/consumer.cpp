// What a stranger's program looks like: installed headers, pkg-config, nothing of the source tree.
#include <cstdio>
#include <rlx/rlx.hpp>
#include <vector>

int main() {
  bool right = true;
  rlx::launch_threads(3, {}, [&](rlx::Communicator& comm) {
    auto heap = comm.allocate<float>(100);
    for (float& x : heap) x = 2;
    rlx::all_reduce(comm, heap, rlx::ReduceKind::Sum);
    std::vector<int> mine(5, static_cast<int>(comm.rank().value()));
    std::vector<int> all(5 * comm.size());
    rlx::all_gather(comm, mine, all);
    rlx::SymmetricVector<float> vector(10, 1.0f, comm);
    rlx::all_reduce(comm, vector, rlx::ReduceKind::Sum);
    if (vector[9] != 3) right = false;
    if (heap[99] != 6 || all.front() != 0 || all.back() != 2) right = false;
  });
  std::printf("rlx %s\n", std::string(rlx::kVersion).c_str());
  return right ? 0 : 1;
}
