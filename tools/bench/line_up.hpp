#pragma once
// The ranks of a benchmark start each sample together, by flags of the benchmark's own: a barrier
// of the library under test, or of the one that it is compared with, would be part of what is
// measured and would leave its mark in caches and queues.
//
// On one host the flags lie in a shared page. The last rank to arrive sets a starting time three
// microseconds ahead on the host's clock, so that all start within tens of nanoseconds. Ranks on
// several hosts use a barrier of rlx instead, and the report says so.
//
// A rank waits here only when its calls have completed, so nobody waits for its help; other
// libraries are polled through `poll`.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "rlx/communicator.hpp"
#include "tools/bench/shared_memory.hpp"

namespace rlx::bench {

class LineUp {
 public:
  /// Collective. `comm` must outlive it.
  explicit LineUp(Communicator& comm);
  /// Tells the others when it happens during an exception, so that they do not wait for ever.
  ~LineUp();
  LineUp(const LineUp&) = delete;
  LineUp& operator=(const LineUp&) = delete;

  /// Called now and then while waiting.
  void set_poll(std::function<void()> poll) { poll_ = std::move(poll); }

  /// Returns when every rank is here. Throws CollectiveError(PeerFailed) naming a rank that left or
  /// died.
  void wait();

  /// Where ranks share cores, or are on several nodes: returns when every rank is here, so that who
  /// is done with a sample does not work on the next one where others need the core, nor stops
  /// calling a library that still has to send for them. Throws as wait().
  void leave_together();

  /// For waits of the benchmark's own between line-ups: throws as wait() when a rank left or died.
  /// Cheap enough for every few hundred polls.
  void check_peers();

  /// "shared flags", or "rlx barrier (why)".
  [[nodiscard]] const std::string& description() const noexcept { return description_; }

 private:
  struct Page;

  void share_page();
  void release();
  void await();
  void await_barrier();
  void start_together() const;

  Communicator& comm_;
  SharedMemory memory_;
  Page* page_ = nullptr;  // in memory_; null where the barrier is used
  std::uint64_t epoch_ = 0;
  bool oversubscribed_ = false;
  int exceptions_;
  std::int64_t next_check_ns_ = 0;
  std::function<void()> poll_;
  std::string description_;
};

}  // namespace rlx::bench
