#pragma once
// The helper: polls when calls are in flight and no thread has polled for a millisecond (rule 4).

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

 private:
  void run();
  void watch();

  Context& context_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> awake_{false};
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rlx::detail
