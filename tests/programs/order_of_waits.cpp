// Even ranks: a = async(A); all_reduce(B); a.wait().  Odd ranks: a = async(A); a.wait();
// all_reduce(B). The calls come in the same order everywhere, so this must end: whoever waits, for
// whatever, advances everything (rule 4).

#include <vector>

#include "tests/programs/ranks.hpp"

namespace {

void round(rlx::Communicator& comm, std::size_t count, int salt) {
  const auto n = static_cast<std::int64_t>(comm.size());
  const auto me = static_cast<std::int64_t>(comm.rank().value());
  std::vector<std::int64_t> a(count, me + salt);
  std::vector<std::int64_t> b(count, me * salt);
  rlx::Request request = rlx::all_reduce_async(comm, a, rlx::ReduceKind::Sum);
  if (me % 2 == 1) request.wait();
  rlx::all_reduce(comm, b, rlx::ReduceKind::Sum);
  if (me % 2 == 0) request.wait();
  const std::int64_t ranks = n * (n - 1) / 2;
  programs::expect(a == std::vector<std::int64_t>(count, ranks + n * salt), "A", comm);
  programs::expect(b == std::vector<std::int64_t>(count, ranks * salt), "B", comm);
}

}  // namespace

int main(int argc, char** argv) {
  return programs::run(argc, argv, [](rlx::Communicator& comm) {
    for (int i = 0; i < 50; ++i)
      for (const std::size_t count : {0, 1, 7, 1000, 30000}) round(comm, count, i + 1);
    round(comm, 1 << 20, 3);  // many pieces
  });
}
