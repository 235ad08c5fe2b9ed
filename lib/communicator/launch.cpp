// Ranks without MPI. The bootstraps lie in lib/bootstrap; here they meet the Communicator.

#include "rlx/launch.hpp"

#include <fmt/core.h>

#include <exception>
#include <mutex>
#include <thread>

#include "lib/bootstrap/bootstraps.hpp"
#include "lib/bootstrap/processes.hpp"
#include "rlx/error.hpp"

namespace rlx {
namespace {

/// What the ranks' bodies threw, in the order in which it happened.
class Causes {
 public:
  void add(std::exception_ptr cause) {
    const std::lock_guard lock(mutex_);
    causes_.push_back(std::move(cause));
  }
  /// The first that is a cause rather than the news of one: a rank that throws makes the others
  /// throw PeerFailed, or Launch while they are wired.
  void rethrow() const {
    if (causes_.empty()) return;
    for (const std::exception_ptr& cause : causes_)
      if (!is_news(cause)) std::rethrow_exception(cause);
    std::rethrow_exception(causes_.front());
  }

 private:
  static bool is_news(const std::exception_ptr& cause) {
    try {
      std::rethrow_exception(cause);
    } catch (const CollectiveError& error) {
      return error.kind() == ErrorKind::PeerFailed || error.kind() == ErrorKind::Launch;
    } catch (...) {
      return false;
    }
  }

  std::mutex mutex_;
  std::vector<std::exception_ptr> causes_;
};

void run_rank(std::unique_ptr<Bootstrap> bootstrap, const CommunicatorOptions& options,
              const std::function<void(Communicator&)>& body, Causes& causes) {
  try {
    Communicator comm(*bootstrap, options);
    bootstrap.reset();
    body(comm);
  } catch (...) {
    causes.add(std::current_exception());
  }
}

int run_child(std::unique_ptr<Bootstrap> bootstrap, const CommunicatorOptions& options,
              const std::function<int(Communicator&)>& body) {
  Communicator comm(*bootstrap, options);
  bootstrap.reset();
  return body(comm);
}

[[noreturn]] void throw_missing(const char* variable, const char* meaning) {
  throw CollectiveError(
      ErrorKind::Launch, "rendezvous",
      fmt::format(
          "{} is not set ({}); without MPI every rank needs RLX_RENDEZVOUS=host:port of rank "
          "0, RLX_RANK and RLX_SIZE",
          variable, meaning));
}

}  // namespace

void launch_threads(std::size_t n, const CommunicatorOptions& options,
                    const std::function<void(Communicator&)>& body) {
  launch_threads_each(
      n, [&](Rank) { return options; }, body);
}

void launch_threads_each(std::size_t n, const std::function<CommunicatorOptions(Rank)>& options,
                         const std::function<void(Communicator&)>& body) {
  std::vector<CommunicatorOptions> of_rank;
  for (std::uint32_t rank = 0; rank < n; ++rank) {
    CommunicatorOptions& local = of_rank.emplace_back(options(Rank(rank)));
    if (local.config.transport == "auto" && local.config.provider.empty())
      local.config.transport = "local";
  }
  auto bootstraps = thread_bootstraps(
      n, n > 0 ? of_rank.front().config.startup_timeout : Config{}.startup_timeout);
  Causes causes;
  std::vector<std::jthread> threads;
  for (std::size_t rank = 0; rank < n; ++rank)
    threads.emplace_back(
        [&, rank] { run_rank(std::move(bootstraps[rank]), of_rank[rank], body, causes); });
  for (std::jthread& thread : threads) thread.join();
  causes.rethrow();
}

std::vector<int> launch_fork(std::size_t n, const CommunicatorOptions& options,
                             const std::function<int(Communicator&)>& body) {
  if (n == 0)
    throw CollectiveError(ErrorKind::InvalidArgument, "launch_fork", "0 ranks; give at least 1");
  const double timeout = options.config.startup_timeout;
  // It listens before anybody exists who could connect, so nobody has to try twice.
  bootstrap::FileDescriptor listener = bootstrap::listen_on({"127.0.0.1", "0"});
  const std::string address = fmt::format("127.0.0.1:{}", bootstrap::port_of(listener));
  const double grace = timeout + options.config.stall_timeout;
  return bootstrap::run_forked(n, grace, [&](std::size_t index) {
    const Rank rank(static_cast<std::uint32_t>(index));
    if (index == 0)
      return run_child(bootstrap::rendezvous_over(std::move(listener), n, timeout), options, body);
    listener.reset();
    return run_child(rendezvous_bootstrap(address, rank, n, timeout), options, body);
  });
}

Communicator rendezvous_communicator(CommunicatorOptions options) {
  const Config& config = options.config;
  if (config.rendezvous.empty()) throw_missing("RLX_RENDEZVOUS", "where rank 0 listens");
  if (config.rank < 0) throw_missing("RLX_RANK", "my rank, from 0");
  if (config.size < 1) throw_missing("RLX_SIZE", "the number of ranks");
  const auto bootstrap =
      rendezvous_bootstrap(config.rendezvous, Rank(static_cast<std::uint32_t>(config.rank)),
                           static_cast<std::size_t>(config.size), config.startup_timeout);
  return Communicator(*bootstrap, std::move(options));
}

}  // namespace rlx
