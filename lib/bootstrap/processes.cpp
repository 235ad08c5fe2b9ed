#include "lib/bootstrap/processes.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <optional>

#include "lib/bootstrap/deadline.hpp"
#include "rlx/error.hpp"

namespace rlx::bootstrap {
namespace {

constexpr int kFailed = 1;

/// Blocks the signals that the parent waits for, and gives the old mask back.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigemptyset(&waited_);
    for (const int number : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&waited_, number);
    pthread_sigmask(SIG_BLOCK, &waited_, &old_);
    struct sigaction by_default {};
    by_default.sa_handler = SIG_DFL;  // an ignored SIGCHLD would reap the children behind our back
    sigaction(SIGCHLD, &by_default, &old_child_);
  }
  ~BlockedSignals() { restore(); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

  void restore() const {
    sigaction(SIGCHLD, &old_child_, nullptr);
    pthread_sigmask(SIG_SETMASK, &old_, nullptr);
  }
  /// The signal that came within 100 ms, or 0.
  [[nodiscard]] int next() const {
    const timespec patience{0, 100'000'000};
    const int number = sigtimedwait(&waited_, nullptr, &patience);
    return number < 0 ? 0 : number;
  }

 private:
  sigset_t waited_{};
  sigset_t old_{};
  struct sigaction old_child_ {};
};

struct Child {
  pid_t pid = -1;
  std::optional<int> code;  // once reaped
};

int run_guarded(std::size_t rank, const std::function<int(std::size_t)>& body) {
  try {
    return body(rank);
  } catch (const std::exception& error) {
    std::cerr << fmt::format("rank {}: {}\n", rank, error.what());
  } catch (...) {
    std::cerr << fmt::format("rank {}: an exception that is not a std::exception\n", rank);
  }
  return kFailed;
}

[[noreturn]] void be_child(std::size_t rank, pid_t parent, const BlockedSignals& signals,
                           const std::function<int(std::size_t)>& body) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kFailed);  // it died before we asked to be told
  signals.restore();
  const int code = run_guarded(rank, body);
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
  _exit(code);
}

class Family {
 public:
  explicit Family(double grace_seconds) : grace_seconds_(grace_seconds) {}

  void add(pid_t pid) { children_.push_back({pid, {}}); }

  void signal_all(int number) const {
    for (const Child& child : children_)
      if (!child.code) kill(child.pid, number);
  }

  /// True once every child has been reaped.
  bool reap() {
    bool all = true;
    for (Child& child : children_) {
      if (!child.code) reap(child);
      all = all && child.code.has_value();
    }
    return all;
  }

  void hurry() {
    if (!hurrying_) kill_at_ = Deadline::after(grace_seconds_);
    hurrying_ = true;
  }

  void watch(const BlockedSignals& signals) {
    while (!reap()) {
      const int number = signals.next();
      if (number == SIGINT || number == SIGTERM) {
        signal_all(number);
        hurry();
      }
      if (hurrying_ && kill_at_.passed()) signal_all(SIGKILL);
    }
  }

  [[nodiscard]] std::vector<int> codes() const {
    std::vector<int> codes;
    for (const Child& child : children_) codes.push_back(child.code.value_or(kFailed));
    return codes;
  }

 private:
  void reap(Child& child) {
    int status = 0;
    const pid_t pid = waitpid(child.pid, &status, WNOHANG);
    if (pid < 0 && errno == ECHILD) child.code = kFailed;
    if (pid != child.pid) return;
    if (WIFSIGNALED(status)) {
      child.code = 128 + WTERMSIG(status);
      hurry();
    } else if (WIFEXITED(status)) {
      child.code = WEXITSTATUS(status);
    }
  }

  double grace_seconds_;
  std::vector<Child> children_;
  bool hurrying_ = false;
  Deadline kill_at_ = Deadline::after(0);  // counts once hurrying
};

}  // namespace

std::vector<int> run_forked(std::size_t n, double grace_seconds,
                            const std::function<int(std::size_t)>& body) {
  std::cout.flush();
  std::fflush(nullptr);  // else every child would print the parent's unwritten lines again
  const BlockedSignals signals;
  const pid_t parent = getpid();
  Family family(grace_seconds);
  for (std::size_t rank = 0; rank < n; ++rank) {
    const pid_t pid = fork();
    if (pid == 0) be_child(rank, parent, signals, body);
    if (pid > 0) {
      family.add(pid);
      continue;
    }
    const std::string reason = std::strerror(errno);
    family.signal_all(SIGKILL);
    family.watch(signals);
    throw CollectiveError(ErrorKind::Launch, "launch_fork",
                          fmt::format("no process for rank {} of {}: {}", rank, n, reason));
  }
  family.watch(signals);
  return family.codes();
}

}  // namespace rlx::bootstrap
