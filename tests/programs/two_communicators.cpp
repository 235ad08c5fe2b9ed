// Requests on a communicator and on its duplicate, waited for in opposite orders on even and odd
// ranks, before and after blocking calls on either. (Blocking calls themselves come in one order
// everywhere, across communicators too: each waits for all its members.)

#include <vector>

#include "tests/programs/ranks.hpp"

namespace {

void round(rlx::Communicator& first, rlx::Communicator& second, std::size_t count, int salt) {
  const auto me = static_cast<int>(first.rank().value());
  const auto n = static_cast<int>(first.size());
  std::vector<int> a(count, me + salt), b(count, me - salt), c(count, 1), d(count, 2);
  rlx::Request on_first = rlx::all_reduce_async(first, a, rlx::ReduceKind::Sum);
  rlx::Request on_second = rlx::all_reduce_async(second, b, rlx::ReduceKind::Min);
  if (me % 2 == 1) on_second.wait();
  rlx::all_reduce(first, c, rlx::ReduceKind::Sum);
  if (me % 2 == 1) on_first.wait();
  rlx::all_reduce(second, d, rlx::ReduceKind::Sum);
  if (me % 2 == 0) {
    on_first.wait();
    on_second.wait();
  }
  programs::expect(a == std::vector<int>(count, n * (n - 1) / 2 + n * salt), "sum", first);
  programs::expect(b == std::vector<int>(count, -salt), "minimum", first);
  programs::expect(c == std::vector<int>(count, n), "count", first);
  programs::expect(d == std::vector<int>(count, 2 * n), "double count", first);
}

}  // namespace

int main(int argc, char** argv) {
  return programs::run(argc, argv, [](rlx::Communicator& comm) {
    rlx::Communicator second = comm.duplicate();
    for (int i = 0; i < 30; ++i)
      for (const std::size_t count : {0, 3, 2000, 60000}) round(comm, second, count, i);
    second.close();
  });
}
