#pragma once
// Watches the processes of the other ranks on this machine. Nobody is told of a peer's death while
// nothing is on the way to it: tcp says "try again" for ever afterwards, and who shares memory goes
// on writing into what the process left. The kernel knows, and a pidfd or a socket asks it.

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "rlx/rank.hpp"
#include "lib/base/descriptor.hpp"
#include "transports/common/process_identity.hpp"

namespace rlx::detail {

class PeerWatch {
 public:
  using Clock = std::chrono::steady_clock;
  /// A death is told this long after it was seen: what the peer sent before may still be waiting to
  /// be read, and a peer that left after its last signal must not look like one that failed.
  static constexpr std::chrono::milliseconds kGrace{100};
  static constexpr std::chrono::milliseconds kInterval{5};

  explicit PeerWatch(const ProcessIdentity& me, std::chrono::milliseconds grace = kGrace)
      : me_(me), grace_(grace) {}
  ~PeerWatch();
  PeerWatch(const PeerWatch&) = delete;
  PeerWatch& operator=(const PeerWatch&) = delete;

  /// Watches a peer if this kernel shows it to us: not on another machine, in another pid
  /// namespace, or in this very process. Allocates.
  void add(Rank rank, const ProcessIdentity& peer);
  /// Watches a socket whose other end only that process has, or children that it forked: it hangs
  /// up. Nothing else may come from there. Allocates.
  void add(Rank rank, std::int32_t pid, Descriptor socket);

  struct Death {
    Rank rank;
    std::int32_t pid = 0;
  };
  /// The deaths to be told now, once for each time that the rank was added; looks at most every
  /// kInterval. One thread at a time.
  [[nodiscard]] std::span<const Death> poll(Clock::time_point now) noexcept;

  [[nodiscard]] std::size_t watched() const noexcept { return fds_.size(); }

 private:
  struct Peer {
    Death death;
    Clock::time_point seen{};
  };
  void watch(Death death, int fd);
  void forget(std::size_t index) noexcept;

  ProcessIdentity me_;
  std::chrono::milliseconds grace_;
  std::vector<pollfd> fds_;  // -1: found dead, waiting out its grace
  std::vector<Peer> peers_;  // beside fds_
  std::vector<Death> told_;  // of the last poll; room for all
  Clock::time_point next_{};
};

}  // namespace rlx::detail
