#pragma once
// The helper: polls when calls are in flight and no thread has polled for a millisecond (rule 4);
// or, as a progress thread, all the time while calls are in flight.

#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace rlx::detail {

class Context;

class HelperThread {
 public:
  explicit HelperThread(Context& context) : context_(context) {}
  ~HelperThread() { stop(); }

  /// Calls are in flight that nobody may be waiting for. Starts the thread when first needed; costs
  /// one load when it is awake.
  void call_in_flight();
  void stop() noexcept;

  /// Polls all the time from now on, on these cores if there are any, else wherever the system lets
  /// it. Before the first call.
  void poll_always(const cpu_set_t& cores) {
    always_ = true;
    cores_ = cores;
  }

 private:
  void run();
  void watch();
  void poll();

  Context& context_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> awake_{false};
  bool stopping_ = false;
  bool always_ = false;
  cpu_set_t cores_{};
  std::thread thread_;
};

}  // namespace rlx::detail
