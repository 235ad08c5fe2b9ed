// rlx-stress: random collectives of every type, operation, size and memory on several
// communicators, with calls in flight, each result compared with the exact one. The same seed draws
// the same calls on every rank; in which order a rank waits is its own affair.

#include <cstdlib>
#include <iostream>
#include <optional>

#include "tests/programs/launching.hpp"
#include "tests/programs/random_call.hpp"

namespace programs {
namespace {

constexpr std::size_t kLargest = 200'000;

struct Plan {
  std::uint64_t calls = 1000;
  std::uint64_t seed = 1;
  std::size_t outstanding = 4;
};

class Stress {
 public:
  Stress(rlx::Communicator& world, const Plan& plan)
      : world_(world),
        plan_(plan),
        shared_(plan.seed),
        own_(Random::mix(plan.seed) + world.rank().value()) {
    const int me = static_cast<int>(world.rank().value());
    const int last = static_cast<int>(world.size()) - 1;
    others_.push_back(world.duplicate());
    others_.push_back(world.split(me % 2, 0));
    others_.push_back(world.split(0, -me));                  // everybody, backwards
    others_.push_back(world.split(me == last ? -1 : 0, 0));  // all but the last
  }

  void run() {
    for (number_ = 0; number_ < plan_.calls; ++number_) step();
    while (!pending_.empty()) finish_one();
    for (auto& communicator : others_)
      if (communicator) communicator->close();
  }

  /// What the failing call was, for the message.
  [[nodiscard]] std::string where() const {
    return "call " + std::to_string(number_) + " (" + last_ + ")";
  }

 private:
  struct Pending {
    std::unique_ptr<RandomCall> call;  // after the request in time: the request is destroyed first
    rlx::Request request;
  };

  rlx::Communicator* draw_communicator() {
    const std::uint64_t index = shared_.below(others_.size() + 1);
    if (index == others_.size()) return &world_;
    return others_[index] ? &*others_[index] : nullptr;
  }

  /// All random numbers that matter to other ranks are drawn before anybody steps aside.
  void step() {
    rlx::Communicator* communicator = draw_communicator();
    const bool blocking = shared_.chance(30);
    const bool barrier = shared_.chance(3);
    const CallSpec spec = random_spec(shared_, world_.size(), kLargest);
    if (communicator == nullptr) return;
    last_ = spec.text();
    if (barrier) communicator->barrier();
    auto call = make_call(*communicator, spec);
    if (blocking || plan_.outstanding <= 1) {
      call->run();
      return call->check();
    }
    rlx::Request request = call->start();
    pending_.push_back({std::move(call), std::move(request)});
    if (own_.chance(20)) static_cast<void>(pending_[own_.below(pending_.size())].request.test());
    if (pending_.size() >= plan_.outstanding) finish_one();
  }

  void finish_one() {
    const std::size_t index = own_.below(pending_.size());
    pending_[index].request.wait();
    pending_[index].call->check();
    if (index + 1 != pending_.size()) std::swap(pending_[index], pending_.back());
    pending_.pop_back();
  }

  rlx::Communicator& world_;
  Plan plan_;
  Random shared_;
  Random own_;
  std::vector<std::optional<rlx::Communicator>> others_;
  std::vector<Pending> pending_;
  std::uint64_t number_ = 0;
  std::string last_;
};

int stress(rlx::Communicator& comm, const Plan& plan) {
  std::optional<Stress> run;
  try {
    run.emplace(comm, plan);
    run->run();
  } catch (const std::exception& error) {
    std::cerr << "rlx-stress: seed " + std::to_string(plan.seed) + ", rank " +
                     std::to_string(comm.rank().value()) + ", " +
                     (run ? run->where() : "making communicators") + ": " + error.what() + "\n";
    throw;
  }
  if (comm.rank() == rlx::Rank(0))
    std::cout << "rlx-stress: " << plan.calls << " calls on " << comm.size() << " ranks over "
              << comm.transport().name << ", seed " << plan.seed << ", " << plan.outstanding
              << " outstanding: all exact" << std::endl;
  return EXIT_SUCCESS;
}

int main(int argc, char** argv) {
  const Arguments arguments(argc, argv,
                            with_launch_options({"--calls", "--seed", "--outstanding"}));
  Plan plan;
  plan.calls = arguments.number("--calls", plan.calls);
  plan.seed = arguments.number("--seed", plan.seed);
  plan.outstanding = arguments.number("--outstanding", plan.outstanding);
  return launch(parse_launch(arguments, {}),
                [&](rlx::Communicator& comm) { return stress(comm, plan); });
}

}  // namespace
}  // namespace programs

int main(int argc, char** argv) {
  try {
    return programs::main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "rlx-stress: " << error.what() << std::endl;
    return EXIT_FAILURE;
  }
}
