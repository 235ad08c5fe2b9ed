#include "lib/communicator/helper_thread.hpp"

#include <pthread.h>

#include <chrono>
#include <csignal>

#include "lib/communicator/context.hpp"

namespace rlx::detail {
namespace {

constexpr std::chrono::milliseconds kInterval{1};
constexpr int kIdleIntervals = 200;  // then it parks until the next call

}  // namespace

void HelperThread::call_in_flight() {
  const bool wanted = always_ || context_.config().helper;
  if (!wanted || awake_.load(std::memory_order_relaxed)) return;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    awake_.store(true, std::memory_order_relaxed);
    if (!thread_.joinable()) {
      sigset_t all, before;  // signals are the user's threads' business
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
      thread_ = std::thread([this] { run(); });
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
  }
  wake_.notify_one();
}

void HelperThread::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void HelperThread::run() {
  pthread_setname_np(pthread_self(), always_ ? "rlx-progress" : "rlx-helper");
  if (CPU_COUNT(&cores_) > 0) sched_setaffinity(0, sizeof cores_, &cores_);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait(lock, [this] { return stopping_ || awake_.load(std::memory_order_relaxed); });
    lock.unlock();
    always_ ? poll() : watch();
    lock.lock();
    awake_.store(false, std::memory_order_relaxed);
  }
}

/// Polls whenever an interval went by in which nobody else did, until nothing is in flight for
/// long.
void HelperThread::watch() {
  int idle = 0;
  std::uint64_t seen = context_.polls();
  while (idle < kIdleIntervals) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, kInterval, [this] { return stopping_; })) return;
    }
    idle = context_.in_flight() || context_.failed() ? 0 : idle + 1;
    if (context_.polls() == seen)
      while (context_.try_advance()) {
      }
    seen = context_.polls();
  }
}

/// Polls until nothing has been in flight for a while.
void HelperThread::poll() {
  const auto begin = [] { return std::chrono::steady_clock::now(); };
  auto busy = begin();
  context_.advance_until([&] {
    if (context_.in_flight()) busy = begin();
    const std::lock_guard lock(mutex_);
    return stopping_ || context_.failed() || begin() - busy > kIdleIntervals * kInterval;
  });
}

}  // namespace rlx::detail
