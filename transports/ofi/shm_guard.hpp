#pragma once
// The shm provider guards each endpoint's queues by a spin lock in the file that all ranks map, and
// takes it on every poll. A process that is killed while it holds one leaves it locked, and whoever
// calls the provider next spins for ever (one kill in fifteen of a polling rank, libfabric 1.17).
// The guard is a thread that wakes rarely, learns of deaths from the kernel and opens the locks
// that a dead rank held: of its own endpoint, or of this rank's while it was writing a command
// there. After a death the Context is final, so no more than the way out of those calls depends on
// it.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "transports/common/peer_watch.hpp"
#include "transports/common/process_identity.hpp"

namespace rlx::ofi {

/// The lock of one endpoint of the shm provider: a view of the first page of its file.
class ShmLock {
 public:
  /// `address` is the endpoint's ("fi_shm://PID:0:0"). nullopt if there is no such file of that
  /// process, or if it is of a version whose layout is not known to have its lock here.
  [[nodiscard]] static std::optional<ShmLock> open(std::string_view address, std::int32_t pid);
  ~ShmLock();
  ShmLock(ShmLock&& other) noexcept;
  ShmLock& operator=(ShmLock&&) = delete;

  /// Opens the lock if it was held each time it was looked at for so long, once a millisecond.
  /// True if it did.
  bool open_if_held_for(std::chrono::milliseconds patience) noexcept;

 private:
  explicit ShmLock(void* page) : page_(page) {}
  void* page_;
};

class ShmGuard {
 public:
  struct Member {
    Rank rank;
    detail::ProcessIdentity identity;
    std::string address;
  };
  /// No holder that lives keeps a dead rank's lock so long.
  static constexpr std::chrono::milliseconds kDeadPatience{100};
  /// My own lock is also held while large puts are copied in.
  static constexpr std::chrono::milliseconds kOwnPatience{500};

  /// Starts to guard `me` (an index of `members`, which are in rank order). Their files exist.
  ShmGuard(std::span<const Member> members, std::size_t me);
  ~ShmGuard();
  ShmGuard(const ShmGuard&) = delete;
  ShmGuard& operator=(const ShmGuard&) = delete;

 private:
  void run();
  void open_locks(Rank dead);

  std::size_t me_;
  detail::PeerWatch watch_;
  std::vector<std::optional<ShmLock>> locks_;  // by rank
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ends_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace rlx::ofi
