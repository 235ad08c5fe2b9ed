// Four requests in flight; even ranks wait for them in order, odd ranks in the opposite order.

#include <array>
#include <vector>

#include "tests/programs/ranks.hpp"

namespace {

constexpr std::size_t kRequests = 4;

void round(rlx::Communicator& comm, std::size_t count, int salt) {
  std::array<std::vector<double>, kRequests> x;
  std::array<rlx::Request, kRequests> requests;
  for (std::size_t i = 0; i < kRequests; ++i) {
    x[i].assign(count, static_cast<double>(comm.rank().value() + i) + salt);
    requests[i] = rlx::all_reduce_async(comm, x[i], rlx::ReduceKind::Max);
  }
  const bool forwards = comm.rank().value() % 2 == 0;
  for (std::size_t i = 0; i < kRequests; ++i) requests[forwards ? i : kRequests - 1 - i].wait();
  for (std::size_t i = 0; i < kRequests; ++i) {
    const double largest = static_cast<double>(comm.size() - 1 + i) + salt;
    programs::expect(x[i] == std::vector<double>(count, largest), "maximum", comm);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return programs::run(argc, argv, [](rlx::Communicator& comm) {
    for (int i = 0; i < 30; ++i)
      for (const std::size_t count : {1, 100, 5000, 100000}) round(comm, count, i);
  });
}
