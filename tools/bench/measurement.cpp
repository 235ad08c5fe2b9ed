#include "tools/bench/measurement.hpp"

#include <array>
#include <chrono>
#include <cstring>

#include "rlx/collectives.hpp"
#include "tools/bench/exchange.hpp"

namespace rlx::bench {

Measurement::Measurement(const Bench& bench, const Task& task, const Pattern& pattern)
    : bench_(bench), task_(task), pattern_(pattern), operands_(bench.buffers.operands()) {
  const bool in_place = task.placement == Placement::in_place;
  element_ = size_of(task.dtype);
  operands_.shape = task.shape;
  operands_.kind = task.kind;
  input_ = in_place ? operands_.recv + task.shape.send_first * element_ : operands_.send;
  output_ = operands_.recv + (in_place ? task.shape.recv_first * element_ : 0);
  ours_ = contender();
}

Contender Measurement::contender() {
  const Runner runner =
      task_.collective->runner(task_.dtype, bench_.options.buffers, task_.placement);
  const bool in_place = task_.placement == Placement::in_place;
  std::function<void()> renew;
  if (operands_.recv_memory != nullptr) renew = [this] { write_input(); };
  return {.call = [runner, &comm = bench_.comm, &operands = operands_] { runner(comm, operands); },
          .input = {input_, task_.shape.send * element_},
          .pristine = in_place ? operands_.send : nullptr,
          .renew = renew,
          .output = {output_, task_.shape.recv * element_}};
}

Figures Measurement::run() {
  fill_input(0);
  if (bench_.rival != nullptr) {
    theirs_ = bench_.rival->contender(task_, {operands_.send, ours_.input.size()});
  }
  warm_up();
  Figures figures;
  name_plan(figures);
  RivalFigures theirs = time_samples(figures);
  check_result(0);
  time_back_to_back(figures, theirs);
  // In place, back-to-back calls reduce their own results again and again: nothing to check there.
  if (task_.placement == Placement::out_of_place) check_result(0);
  run_checks();

  const std::size_t bytes = task_.shape.whole * element_;
  figures.alg_bw = bandwidth(bytes, figures.time.median);
  figures.bus_bw = figures.alg_bw * task_.collective->bus_factor(bench_.comm.size());
  if (bench_.rival != nullptr) figures.rival = theirs;
  std::uint64_t all_wrong = 0;
  for (const std::uint64_t one : gather(bench_.comm, std::vector<std::uint64_t>{wrong_})) {
    all_wrong += one;
  }
  if (bench_.options.checks > 0) figures.wrong = all_wrong;
  return figures;
}

void Measurement::name_plan(Figures& figures) {
  const Planner planner =
      task_.collective->planner(task_.dtype, bench_.options.buffers, task_.placement);
  const Plan plan = planner(bench_.comm, operands_);
  figures.algorithm = plan.algorithm();
  figures.pieces = plan.pieces();
}

void Measurement::fill_input(std::uint64_t seed) {
  const Elements<std::byte> send{operands_.send, task_.shape.send_first, task_.shape.send};
  pattern_.fill(send, bench_.comm.rank(), seed);
  if (input_ != operands_.send && task_.shape.send > 0) {
    std::memcpy(input_, operands_.send, task_.shape.send * element_);
  }
  write_input();
}

/// To the device, if the call reads there, what the host has.
void Measurement::write_input() {
  if (operands_.recv_memory == nullptr) return;
  const bool in_place = task_.placement == Placement::in_place;
  detail::DeviceMemory& memory = in_place ? *operands_.recv_memory : *operands_.send_memory;
  memory.write(in_place ? task_.shape.send_first * element_ : 0,
               {operands_.send, task_.shape.send * element_});
}

/// Bytes that no correct result leaves as they are.
void Measurement::poison_output() {
  constexpr int kPoison = 0xA7;
  std::byte* whole_end = operands_.recv + task_.shape.whole * element_;
  if (task_.placement == Placement::out_of_place) {
    std::memset(output_, kPoison, task_.shape.recv * element_);
  } else if (!task_.collective->reduces && task_.collective->has_elements) {
    std::memset(operands_.recv, kPoison, static_cast<std::size_t>(input_ - operands_.recv));
    std::byte* after = input_ + task_.shape.send * element_;
    std::memset(after, kPoison, static_cast<std::size_t>(whole_end - after));
  }
  if (operands_.recv_memory != nullptr)
    operands_.recv_memory->write(0, {operands_.recv, task_.shape.whole * element_});
}

void Measurement::check_result(std::uint64_t seed) {
  if (bench_.options.checks == 0 || !task_.collective->has_elements) return;
  if (operands_.recv_memory != nullptr)
    operands_.recv_memory->read(static_cast<std::size_t>(output_ - operands_.recv),
                                {output_, task_.shape.recv * element_});
  const Elements<const std::byte> result{output_, task_.shape.recv_first, task_.shape.recv};
  if (task_.collective->reduces) {
    wrong_ += pattern_.count_wrong(result, seed);
    return;
  }
  const std::size_t ranks = bench_.comm.size();
  const std::size_t block = task_.shape.recv / ranks;
  for (std::size_t r = 0; r < ranks; ++r) {
    const Elements<const std::byte> from{output_ + r * block * element_, r * block, block};
    wrong_ += pattern_.count_wrong(from, Rank(static_cast<std::uint32_t>(r)), seed);
  }
}

/// As many calls as were asked for; and, where these are short, more of them: what carries the last
/// row to the terminal works on a core for a while, and so does a processor's change of clock.
void Measurement::warm_up() {
  if (bench_.options.warmup == 0) return;
  constexpr int kMore = 8;
  constexpr std::chrono::milliseconds kSettled{3};
  const auto begin = std::chrono::steady_clock::now();
  std::array<std::int64_t, 1> elapsed{};
  for (int calls = bench_.options.warmup; elapsed[0] < std::chrono::nanoseconds(kSettled).count();
       calls = kMore) {
    for (int i = 0; i < calls; ++i) {
      static_cast<void>(sample(bench_.line_up, ours_));
      if (theirs_) static_cast<void>(sample(bench_.line_up, *theirs_));
    }
    elapsed[0] = std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count();
    all_reduce(bench_.comm, elapsed, ReduceKind::Max);
  }
}

RivalFigures Measurement::time_samples(Figures& figures) {
  std::vector<double> ours;
  std::vector<double> theirs;
  for (int i = 0; i < bench_.options.iterations; ++i) {
    ours.push_back(sample(bench_.line_up, ours_));
    if (theirs_) theirs.push_back(sample(bench_.line_up, *theirs_));
  }
  const std::size_t ranks = bench_.comm.size();
  figures.time = summarize(slowest_rank(gather(bench_.comm, ours), ranks));
  RivalFigures result;
  if (theirs_) result.time = summarize(slowest_rank(gather(bench_.comm, theirs), ranks));
  return result;
}

void Measurement::time_back_to_back(Figures& figures, RivalFigures& theirs) {
  figures.back_to_back_calls = back_to_back_calls(figures.time.median);
  std::vector<double> mine = {back_to_back(bench_.line_up, ours_, figures.back_to_back_calls)};
  if (theirs_) {
    const int calls = back_to_back_calls(theirs.time->median);
    mine.push_back(back_to_back(bench_.line_up, *theirs_, calls));
  }
  const std::vector<double> slowest = slowest_rank(gather(bench_.comm, mine), bench_.comm.size());
  figures.back_to_back = slowest.front();
  if (theirs_) theirs.back_to_back = slowest.back();
}

void Measurement::run_checks() {
  for (int i = 1; i <= bench_.options.checks; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    poison_output();
    fill_input(seed);
    ours_.call();
    check_result(seed);
  }
}

}  // namespace rlx::bench
