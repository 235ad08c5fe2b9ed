// rlx-death: one rank misbehaves at a random moment amid random calls; every survivor must be told
// in time. Prints one line for each survivor: rank, error (kind, ranks, operation, sequence, step)
// and the milliseconds from the deed to the error.

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <iostream>
#include <set>
#include <thread>

#include "tests/programs/kill_plan.hpp"
#include "tests/programs/launching.hpp"

namespace programs {
namespace {

constexpr std::size_t kInFlight = 3;
constexpr std::size_t kLargest = 30'000;
constexpr int kVictimThrew = 1;
constexpr unsigned kPatience = 120;  // seconds after which a process that hangs is killed

struct VictimLeaves : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Ranks {
 public:
  Ranks(rlx::Communicator& comm, const KillPlan& plan, SharedMoment& moment)
      : comm_(comm), plan_(plan), moment_(moment), random_(plan.seed ^ 0xdea7) {}

  /// Calls until an error ends it.
  [[noreturn]] void run() {
    for (std::uint64_t number = 0;; ++number) {
      CallSpec spec = random_spec(random_, comm_.size(), kLargest);
      const bool blocking = random_.chance(40);
      if (number == plan_.call && plan_.misdeed == Misdeed::mismatch)
        spec = comparable(plan_, spec);
      if (number == plan_.call && is_victim()) spec = misbehave(spec);
      step(spec, blocking, number == plan_.call);
    }
  }

  [[nodiscard]] bool is_victim() const {
    return comm_.rank().value() == plan_.victim(comm_.size());
  }

 private:
  struct Pending {
    std::unique_ptr<RandomCall> call;
    rlx::Request request;
  };

  void step(const CallSpec& spec, bool blocking, bool deed) {
    auto call = make_call(comm_, spec);
    if (deed && is_victim() && plan_.field == "memory") call->pretend_private();
    if (blocking) return call->run();
    rlx::Request request = call->start();
    pending_.push_back({std::move(call), std::move(request)});
    if (pending_.size() < kInFlight) return;
    pending_.front().request.wait();
    pending_.pop_front();
  }

  CallSpec misbehave(const CallSpec& spec) {
    switch (plan_.misdeed) {
      case Misdeed::sigkill:
        // From a thread, so that it happens anywhere within the calls that follow.
        std::thread([&] {
          std::this_thread::sleep_for(std::chrono::microseconds(plan_.delay_us));
          moment_.stamp();
          raise(SIGKILL);
        }).detach();
        return spec;
      case Misdeed::thrown:
        moment_.stamp();
        throw VictimLeaves("the victim leaves by an exception, as asked");
      case Misdeed::absent:
        moment_.stamp();
        std::this_thread::sleep_for(
            std::chrono::milliseconds(static_cast<int>(plan_.limit_ms(comm_.config()))));
        throw VictimLeaves("the victim stayed away, as asked");
      default:
        moment_.stamp();
        return different(plan_, spec);
    }
  }

  rlx::Communicator& comm_;
  const KillPlan& plan_;
  SharedMoment& moment_;
  Random random_;
  std::deque<Pending> pending_;
};

/// Prints the line of one rank and says whether it is as it should be.
bool report(const rlx::CollectiveError& error, const rlx::Communicator& comm, bool victim,
            const KillPlan& plan, double ms) {
  std::string ranks;
  for (const rlx::Rank rank : error.ranks())
    ranks += (ranks.empty() ? "" : ",") + std::to_string(rank.value());
  const bool in_time = ms >= 0 && ms <= plan.limit_ms(comm.config());
  const bool fits = plan.accepts(error.kind());
  std::string line = (victim ? "victim " : "survivor ") + std::to_string(comm.rank().value()) +
                     ": " + std::string(rlx::to_string(error.kind())) + " ranks=" + ranks +
                     " operation=" + error.operation() +
                     " sequence=" + std::to_string(error.sequence()) + " step='" + error.step() +
                     "' after " + std::to_string(ms) + " ms";
  if (!in_time) line += ms < 0 ? "; BEFORE ANYTHING HAPPENED" : "; TOO LATE";
  if (!fits) line += "; WRONG KIND";
  if (!in_time || !fits) line += std::string(": ") + error.what();
  std::cout << line + "\n" << std::flush;
  return in_time && fits;
}

int run_rank(rlx::Communicator& comm, const KillPlan& plan, SharedMoment& moment) {
  alarm(kPatience);
  Ranks ranks(comm, plan, moment);
  try {
    ranks.run();
  } catch (const rlx::CollectiveError& error) {
    const double ms = moment.elapsed_ms();
    return report(error, comm, ranks.is_victim(), plan, ms) ? EXIT_SUCCESS : EXIT_FAILURE;
  }
}

/// Names in /dev/shm that ranks of rlx may have made: the provider's begin with the number of their
/// process, ours with rlx. What belongs to a living process is somebody else's.
std::set<std::string> shared_memory_files() {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", ignored)) {
    const std::string name = entry.path().filename().string();
    const std::string number = name.substr(0, name.find_first_not_of("0123456789"));
    const bool theirs =
        number.empty() ? !name.starts_with("rlx") : std::filesystem::exists("/proc/" + number);
    if (!theirs) names.insert(name);
  }
  return names;
}

bool check_code(std::size_t rank, int code, const KillPlan& plan, std::size_t ranks) {
  int wanted = EXIT_SUCCESS;
  if (rank == plan.victim(ranks)) {
    if (plan.misdeed == Misdeed::sigkill) wanted = 128 + SIGKILL;
    if (plan.misdeed == Misdeed::thrown || plan.misdeed == Misdeed::absent) wanted = kVictimThrew;
  }
  if (code == wanted) return true;
  std::cout << "rank " << rank << " ended with " << code << " instead of " << wanted << "\n";
  return false;
}

int run_forked(const Launch& how, const KillPlan& plan) {
  const std::set<std::string> before = shared_memory_files();
  SharedMoment* moment = map_shared_moment("");
  const std::vector<int> codes =
      rlx::launch_fork(how.ranks, how.options,
                       [&](rlx::Communicator& comm) { return run_rank(comm, plan, *moment); });
  bool good = moment->elapsed_ms() >= 0;
  for (std::size_t rank = 0; rank < codes.size(); ++rank)
    good = check_code(rank, codes[rank], plan, codes.size()) && good;
  for (const std::string& name : shared_memory_files()) {
    if (before.contains(name)) continue;
    std::cout << "left behind: /dev/shm/" << name << "\n";
    good = false;
  }
  std::cout << "rlx-death: seed " << plan.seed << ", " << plan.text() << " of rank "
            << plan.victim(how.ranks) << " at call " << plan.call << ": "
            << (good ? "every survivor was told in time" : "FAILED") << std::endl;
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/// Ranks of one machine find the moment by the number of their common parent, mpirun.
int run_under_mpi(const Launch& how, const KillPlan& plan) {
  const std::string name =
      (std::filesystem::temp_directory_path() / ("rlx-death-" + std::to_string(getppid())))
          .string();
  SharedMoment* moment = map_shared_moment(name);
  return launch(how, [&](rlx::Communicator& comm) {
    comm.barrier();  // everybody has mapped it
    if (comm.rank() == rlx::Rank(0)) unlink_shared_moment(name);
    return run_rank(comm, plan, *moment);
  });
}

int main(int argc, char** argv) {
  const Arguments arguments(argc, argv, with_launch_options({"--seed", "--kill", "--ranks"}));
  const KillPlan plan =
      parse_kill(arguments.number("--seed", 1), arguments.text("--kill", "SIGKILL"));
  Launch how;
  how.kind = Launch::Kind::fork;
  if (std::getenv("RLX_TIMEOUT") == nullptr) how.options.config.timeout = 3;
  if (std::getenv("RLX_STALL_TIMEOUT") == nullptr) how.options.config.stall_timeout = 3;
  how = parse_launch(arguments, how);
  how.ranks = arguments.number("--ranks", how.ranks);
  if (how.kind == Launch::Kind::threads)
    throw std::invalid_argument("a rank that is a thread can not die alone; use --launch fork");
  return how.kind == Launch::Kind::fork ? run_forked(how, plan) : run_under_mpi(how, plan);
}

}  // namespace
}  // namespace programs

int main(int argc, char** argv) {
  try {
    return programs::main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "rlx-death: " << error.what() << std::endl;
    return EXIT_FAILURE;
  }
}
