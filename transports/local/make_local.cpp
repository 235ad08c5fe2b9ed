#include "transports/local/make_local.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <utility>

#include "rlx/error.hpp"
#include "rlx/local_transport.hpp"

namespace rlx {

namespace {

// Process ids alone repeat between containers, the number alone after a fork.
struct ProcessMark {
  std::uint64_t pid;
  std::uint64_t number;
};

ProcessMark mark_of_this_process() {
  static const std::uint64_t number = [] {
    std::random_device entropy;
    return (std::uint64_t{entropy()} << 32) | entropy();
  }();
  return {static_cast<std::uint64_t>(::getpid()), number};
}

/// Rank 0 makes the set, whose members keep each other's memory, and every rank takes its own.
std::unique_ptr<SymmetricTransport> take_mine(const TransportSetup& setup) {
  std::vector<std::unique_ptr<LocalTransport>> set;
  auto* offered = &set;
  if (setup.rank.value() == 0) set = LocalTransport::bare(setup.size);
  const Gathered all = setup.exchange(std::as_bytes(std::span(&offered, 1)));
  std::memcpy(&offered, all.data(), sizeof(offered));
  auto mine = std::move(offered->at(setup.rank.index()));
  (void)setup.exchange(std::as_bytes(std::span(&offered, 1)));  // rank 0's set lives until all have taken
  return mine;
}

}  // namespace

std::unique_ptr<SymmetricTransport> make_local(const TransportSetup& setup) {
  const ProcessMark mine = mark_of_this_process();
  const Gathered all = setup.exchange(std::as_bytes(std::span(&mine, 1)));
  for (std::size_t peer = 0; peer < setup.size; ++peer) {
    ProcessMark theirs;
    std::memcpy(&theirs, all.data() + peer * sizeof(theirs), sizeof(theirs));
    if (theirs.pid == mine.pid && theirs.number == mine.number) continue;
    const Rank other(static_cast<std::uint32_t>(peer));
    throw CollectiveError(
        ErrorKind::Launch, "make_transport",
        fmt::format("the local transport joins threads of one process, but rank {} runs in process "
                    "{} and rank {} in process {}: use RLX_TRANSPORT=ofi",
                    setup.rank.value(), mine.pid, peer, theirs.pid),
        {setup.rank, other});
  }
  return take_mine(setup);
}

}  // namespace rlx
