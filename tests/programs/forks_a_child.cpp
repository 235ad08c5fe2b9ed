// A program that forks while its communicator lives and calls are in flight: the child touches
// memory of its own, is refused when it calls rlx, and runs another program; the parent's
// collectives go on undisturbed.

#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "tests/programs/ranks.hpp"

namespace {

constexpr int kChildCode = 7;
constexpr int kRounds = 5;

template <class F>
bool is_refused(F call) {
  try {
    call();
  } catch (const rlx::CollectiveError& error) {
    return error.kind() == rlx::ErrorKind::Unsupported;
  }
  return false;
}

[[noreturn]] void be_child(rlx::Communicator& comm, rlx::Request& request, std::vector<float>& x) {
  for (float& value : x) value = -1;  // its own copy of the pages, or so it must be
  const bool refused = is_refused([&] { comm.barrier(); }) &&
                       is_refused([&] { static_cast<void>(comm.allocate<int>(10)); }) &&
                       is_refused([&] { rlx::all_reduce(comm, x, rlx::ReduceKind::Sum); }) &&
                       is_refused([&] { request.wait(); }) &&
                       is_refused([&] { static_cast<void>(request.test()); });
  if (!refused) _exit(2);
  execl("/bin/sh", "sh", "-c", "exit 7", nullptr);
  _exit(1);
}

void round(rlx::Communicator& comm) {
  std::vector<float> x(50000, 1);
  auto heap = comm.allocate<int>(20000);
  for (int& value : heap) value = 2;
  rlx::Request request = rlx::all_reduce_async(comm, x, rlx::ReduceKind::Sum);
  const pid_t pid = fork();
  if (pid == 0) be_child(comm, request, x);
  rlx::all_reduce(comm, heap, rlx::ReduceKind::Sum);
  request.wait();
  int status = 0;
  programs::expect(
      waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == kChildCode,
      "end of the child", comm);
  const auto n = static_cast<float>(comm.size());
  programs::expect(x == std::vector<float>(x.size(), n), "sum", comm);
  programs::expect(heap[0] == 2 * static_cast<int>(n) && heap[19999] == heap[0], "heap sum", comm);
}

}  // namespace

int main(int argc, char** argv) {
  return programs::run(argc, argv, [](rlx::Communicator& comm) {
    for (int i = 0; i < kRounds; ++i) round(comm);
  });
}
