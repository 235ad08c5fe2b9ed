#include "tools/bench/line_up.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <exception>
#include <fstream>
#include <new>

#include "rlx/collectives.hpp"
#include "rlx/error.hpp"
#include "tools/bench/exchange.hpp"

namespace rlx::bench {
namespace {

constexpr std::int64_t kStartDelayNs = 3000;
constexpr std::int64_t kCheckEveryNs = 100'000'000;
constexpr std::uint32_t kSpins = 1000;
constexpr std::uint32_t kLooksAtNetwork = 32;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/// Ended, or a zombie that its parent has not collected.
bool process_ended(pid_t pid) {
  if (kill(pid, 0) != 0 && errno == ESRCH) return true;
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(stat, text)) return false;
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= text.size()) return false;
  const char state = text[name_end + 2];
  return state == 'Z' || state == 'X';
}

}  // namespace

struct LineUp::Page {
  std::uint64_t nonce;  // of SharedMemory
  alignas(64) std::atomic<std::uint64_t> arrivals;
  alignas(64) std::atomic<std::uint64_t> released;  // the last epoch that everybody reached
  std::atomic<std::int64_t> start_ns;               // of that epoch; written before it
  alignas(64) std::atomic<std::uint32_t> left;      // 1 + a rank that will not come again

  struct alignas(64) Member {
    std::atomic<std::int32_t> pid;
  };
  Member& member(std::size_t rank) { return reinterpret_cast<Member*>(this + 1)[rank]; }
  static std::size_t bytes(std::size_t ranks) { return sizeof(Page) + ranks * sizeof(Member); }
};

LineUp::LineUp(Communicator& comm) : comm_(comm), exceptions_(std::uncaught_exceptions()) {
  share_page();
  if (page_ == nullptr) return;
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  oversubscribed_ = cpus > 0 && comm_.size() > static_cast<std::size_t>(cpus);
  description_ = "shared flags";
}

void LineUp::share_page() {
  const bool first = comm_.rank() == Rank(0);
  const std::size_t bytes = Page::bytes(comm_.size());
  if (first) memory_ = SharedMemory::create(bytes);
  const std::vector<SharedName> names = gather(comm_, memory_.name());
  if (!first) memory_ = SharedMemory::open(names.front(), bytes);

  const std::vector<std::uint8_t> mapped = gather<std::uint8_t>(
      comm_, std::vector<std::uint8_t>{memory_.valid() ? std::uint8_t{1} : std::uint8_t{0}});
  for (std::size_t r = 0; r < mapped.size(); ++r) {
    if (mapped[r] != 0) continue;
    description_ = fmt::format("rlx barrier, because rank {} can not map rank 0's flags", r);
    return;
  }
  page_ = reinterpret_cast<Page*>(memory_.data());
  page_->member(comm_.rank().index()).pid.store(getpid(), std::memory_order_relaxed);
}

LineUp::~LineUp() {
  if (page_ == nullptr || std::uncaught_exceptions() == exceptions_) return;
  page_->left.store(comm_.rank().value() + 1, std::memory_order_relaxed);
}

void LineUp::wait() {
  if (page_ == nullptr) return await_barrier();
  ++epoch_;
  const std::uint64_t before = page_->arrivals.fetch_add(1, std::memory_order_acq_rel);
  if (before + 1 == epoch_ * comm_.size()) {
    release();
  } else {
    await();
  }
  start_together();
}

/// MPI libraries finish what a call began only while they are called: who comes here first has to
/// go on calling.
void LineUp::await_barrier() {
  Request barrier = barrier_async(comm_);
  if (!poll_) return barrier.wait();
  for (std::uint32_t n = 1; !barrier.test(); ++n) {
    if (n % 16 == 0) poll_();
    if (n > kLooksAtNetwork) sched_yield();
  }
}

void LineUp::leave_together() {
  if (oversubscribed_ || page_ == nullptr) wait();
}

void LineUp::release() {
  page_->start_ns.store(now_ns() + kStartDelayNs, std::memory_order_relaxed);
  page_->released.store(epoch_, std::memory_order_release);
}

void LineUp::await() {
  next_check_ns_ = 0;
  for (std::uint32_t n = 1; page_->released.load(std::memory_order_acquire) != epoch_; ++n) {
    if (oversubscribed_ || n > kSpins) {
      sched_yield();
    } else {
      pause();
    }
    if (n % 64 != 0) continue;
    if (poll_) poll_();
    check_peers();
  }
}

void LineUp::check_peers() {
  if (page_ == nullptr) return;
  const std::uint32_t left = page_->left.load(std::memory_order_relaxed);
  if (left != 0) {
    throw CollectiveError(
        ErrorKind::PeerFailed, "line-up",
        fmt::format("rank {} stopped the benchmark; its own message says why", left - 1),
        {Rank(left - 1)});
  }
  const std::int64_t now = now_ns();
  if (next_check_ns_ == 0) next_check_ns_ = now + kCheckEveryNs;
  if (now < next_check_ns_) return;
  next_check_ns_ = now + kCheckEveryNs;
  for (std::uint32_t r = 0; r < comm_.size(); ++r) {
    const pid_t pid = page_->member(r).pid.load(std::memory_order_relaxed);
    if (pid == 0 || !process_ended(pid)) continue;
    throw CollectiveError(
        ErrorKind::PeerFailed, "line-up",
        fmt::format("the process of rank {} (pid {}) ended before the next sample", r, pid),
        {Rank(r)});
  }
}

void LineUp::start_together() const {
  if (oversubscribed_) return;
  const std::int64_t start = page_->start_ns.load(std::memory_order_relaxed);
  while (true) {
    const std::int64_t left = start - now_ns();
    // More than the delay is another clock (a container with a time of its own): start at once.
    if (left <= 0 || left > kStartDelayNs) return;
    // No pause here: it takes longer than a call of the clock, and ranks would start that much
    // apart.
  }
}

}  // namespace rlx::bench
