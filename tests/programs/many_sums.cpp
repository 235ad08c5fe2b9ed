// many_sums [--mpi] [CALLS] [BYTES]: so many all_reduce calls of heap vectors that long, each
// checked, and nothing else: tests/cluster counts what leaves a node because of them.

#include <string>

#include "tests/programs/ranks.hpp"

int main(int argc, char** argv) {
  const auto number = [&](int at, std::size_t otherwise) {
    return argc > at ? std::stoul(argv[at]) : otherwise;
  };
  const std::size_t calls = number(2, 20);
  const std::size_t count = number(3, 300'000) / sizeof(float);
  return programs::run(argc, argv, [&](rlx::Communicator& comm) {
    auto in = comm.allocate<float>(count);
    auto out = comm.allocate<float>(count);
    const auto ranks = static_cast<float>(comm.size());
    for (std::size_t call = 0; call < calls; ++call) {
      const auto base = static_cast<float>(call % 64);
      for (std::size_t i = 0; i < count; ++i)
        in[i] = base + static_cast<float>(i % 8 + comm.rank().value());
      rlx::all_reduce(comm, in, out, rlx::ReduceKind::Sum);
      for (std::size_t i = 0; i < count; ++i)
        programs::expect(out[i] == ranks * (base + static_cast<float>(i % 8) + (ranks - 1) / 2),
                         "sum", comm);
    }
  });
}
