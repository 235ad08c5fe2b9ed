#include "tools/bench/tuning_timer.hpp"

#include <algorithm>
#include <cstring>

#include "lib/communicator/communicator_state.hpp"
#include "tools/bench/contender.hpp"
#include "tools/bench/exchange.hpp"
#include "tools/bench/statistics.hpp"

namespace rlx::bench {
namespace {

constexpr DType kType = DType::f32;
constexpr std::size_t kElement = 4;
/// Samples that tell how long the others will take, those after which the hopeless are dropped
/// where samples are cheap, and the least that decide.
constexpr int kFirst = 3;
constexpr int kTrial = 30;
constexpr int kLeast = 5;
/// Whose very best sample is slower than this times the best median gets no more.
constexpr double kHopeless = 1.5;
/// Short calls are sampled for so long, however many samples that is: other work on the machine
/// comes in slices of milliseconds.
constexpr std::chrono::milliseconds kLongEnough{100};
constexpr int kMany = 101;
constexpr std::size_t kShort = 64 << 10;

Contender contender_of(const TuningCall& call) {
  const Operands& o = call.operands;
  const bool in_place = call.placement == Placement::in_place;
  std::byte* input = in_place ? o.recv + o.shape.send_first * kElement : o.send;
  std::byte* output = o.recv + (in_place ? o.shape.recv_first * kElement : 0);
  return {.input = {input, o.shape.send * kElement},
          .pristine = in_place ? o.send : nullptr,
          .output = {output, o.shape.recv * kElement}};
}

}  // namespace

/// A candidate while it is timed.
struct TuningTimer::Runner {
  Plan plan;
  Contender contender;
  std::vector<double> mine;
  double us = 0;    ///< median
  double best = 0;  ///< microseconds
  bool alive = true;
};

collectives::TunerInput tuner_input(Communicator& comm, const TuningCall& call) {
  const Shape& shape = call.operands.shape;
  const bool symmetric = call.buffers == BufferKind::heap;
  const bool in_place = call.placement == Placement::in_place;
  detail::CallArguments arguments;
  arguments.operation =
      static_cast<detail::Operation>(collectives::parse_collective(call.collective->name));
  arguments.dtype = kType;
  arguments.in_place = in_place;
  arguments.in = {nullptr, in_place ? 0 : shape.send, symmetric, 0};
  arguments.out = {nullptr, in_place ? shape.whole : shape.recv, symmetric, 0};
  return comm.state().plans().tuner_input(arguments);
}

Plan TuningTimer::plan(const TuningCall& call, const Candidate& candidate) {
  detail::CommunicatorState& state = comm_.state();
  state.force({.algorithm = candidate.algorithm,
               .piece_bytes = candidate.piece_bytes,
               .streaming = candidate.streams ? detail::Streaming::on : detail::Streaming::off});
  Plan plan = call.collective->planner(kType, call.buffers, call.placement)(comm_, call.operands);
  state.force({});
  return plan;
}

std::uint32_t TuningTimer::pieces(const TuningCall& call, const Candidate& candidate) {
  return plan(call, candidate).pieces();
}

/// A short call leaves the machine as the next one of its kind wants it, so one goes before.
double TuningTimer::sample(const Runner& runner) {
  if (runner.contender.output.size() <= kShort) runner.contender.call();
  return bench::sample(line_up_, runner.contender);
}

void TuningTimer::sample(std::vector<Runner>& runners, int times) {
  for (int i = 0; i < times; ++i)
    for (Runner& runner : runners)
      if (runner.alive) runner.mine.push_back(sample(runner));
}

/// Agrees on the medians, and on who goes on.
void TuningTimer::settle(std::vector<Runner>& runners) {
  for (Runner& runner : runners) {
    if (!runner.alive) continue;
    const std::vector<double> slowest = slowest_rank(gather(comm_, runner.mine), comm_.size());
    runner.us = quantile(slowest, 0.5);
    runner.best = *std::ranges::min_element(slowest);
  }
  const double best = std::ranges::min_element(runners, {}, &Runner::us)->us;
  for (Runner& runner : runners) runner.alive = runner.alive && runner.best <= kHopeless * best;
}

/// Samples of each, when kFirst of all took so long. Agreed.
int TuningTimer::affordable(std::chrono::nanoseconds spent, std::chrono::milliseconds budget) {
  const auto all = gather(comm_, std::vector<std::int64_t>{spent.count() / kFirst + 1});
  const std::int64_t each = *std::ranges::max_element(all);
  const auto fit = [each](std::chrono::nanoseconds time) { return time.count() / each; };
  const std::int64_t wanted =
      std::max(fit(kLongEnough), std::min<std::int64_t>(kMany, fit(budget)));
  return static_cast<int>(std::clamp<std::int64_t>(wanted, kLeast, std::max(samples_, kLeast)));
}

std::vector<TimedCandidate> TuningTimer::time(const TuningCall& call,
                                              const std::vector<Candidate>& candidates,
                                              std::chrono::milliseconds budget) {
  std::vector<Runner> runners(candidates.size());
  for (std::size_t i = 0; i < runners.size(); ++i) {
    Runner& runner = runners[i];
    runner.plan = plan(call, candidates[i]);
    runner.contender = contender_of(call);
    runner.contender.call = [&runner] { runner.plan.run(); };
    static_cast<void>(bench::sample(line_up_, runner.contender));  // warms it up
  }
  const auto begin = std::chrono::steady_clock::now();
  sample(runners, kFirst);
  const int samples = affordable(std::chrono::steady_clock::now() - begin, budget);
  const int trial = samples > kTrial ? kTrial : kFirst;
  sample(runners, trial - kFirst);
  settle(runners);
  sample(runners, samples - trial);
  settle(runners);
  std::vector<TimedCandidate> timed;
  for (std::size_t i = 0; i < runners.size(); ++i) timed.push_back({candidates[i], runners[i].us});
  return timed;
}

}  // namespace rlx::bench
