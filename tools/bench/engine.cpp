#include "tools/bench/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>

#include "rlx/collectives.hpp"
#include "tools/bench/exchange.hpp"
#include "tools/bench/measurement.hpp"
#include "tools/bench/memory_bench.hpp"
#include "tools/bench/names.hpp"
#include "tools/bench/output_file.hpp"
#include "tools/bench/progress.hpp"
#include "tools/bench/put_bench.hpp"
#include "tools/bench/run_info.hpp"
#include "tools/bench/tuning.hpp"

namespace rlx::bench {
namespace {

std::unique_ptr<Report> stdout_report(Format format) {
  switch (format) {
    case Format::csv:
      return csv_report(std::cout);
    case Format::json:
      return json_report(std::cout);
    case Format::table:
      break;
  }
  return table_report(std::cout);
}

/// What rank 0 prints to; nothing on the other ranks.
class Output {
 public:
  Output(const Options& options, const RunInfo& info) {
    if (!options.output_file.empty()) {
      file_ = open_exclusively(options.output_file);
      reports_.push_back(json_report(file_));
    }
    reports_.push_back(stdout_report(options.format));
    for (auto& report : reports_) report->begin(info);
  }

  void row(const Row& row) {
    progress_.clear();
    for (auto& report : reports_) report->row(row);
  }
  void end(const Totals& totals) {
    progress_.clear();
    for (auto& report : reports_) report->end(totals);
  }
  [[nodiscard]] Progress& progress() { return progress_; }

 private:
  std::ofstream file_;
  std::vector<std::unique_ptr<Report>> reports_;
  Progress progress_;
};

class Engine {
 public:
  Engine(const Bench& bench, Output* output) : bench_(bench), output_(output) {}

  void run();
  [[nodiscard]] const Totals& totals() const { return totals_; }
  [[nodiscard]] std::uint64_t wrong_here() const { return wrong_here_; }

 private:
  void sweep(DType dtype, ReduceKind kind);
  [[nodiscard]] Row measure(Task& task, const Pattern& pattern, std::size_t bytes);
  void announce(const Row& row, Placement placement) const;

  const Bench& bench_;
  Output* output_;  // null: not rank 0
  Totals totals_;
  std::uint64_t wrong_here_ = 0;
};

void Engine::run() {
  let_start_up_pass(bench_.comm);
  const CollectiveBench& collective = *bench_.options.collective;
  if (!collective.has_elements) {
    sweep(DType::u8, ReduceKind::Sum);
    return;
  }
  for (const DType dtype : bench_.options.dtypes) {
    for (const ReduceKind kind : bench_.options.kinds) {
      if (collective.reduces && !supports(kind, dtype)) continue;
      sweep(dtype, kind);
      if (!collective.reduces) break;
    }
  }
}

void Engine::sweep(DType dtype, ReduceKind kind) {
  const CollectiveBench& collective = *bench_.options.collective;
  const std::size_t ranks = bench_.comm.size();
  Task task{.collective = &collective, .dtype = dtype, .kind = kind};
  const Pattern pattern(dtype, collective.reduces ? std::optional(kind) : std::nullopt, ranks);
  std::vector<std::size_t> sizes = {0};
  if (collective.has_elements) {
    sizes = sweep_sizes(bench_.options.sweep, collective.unit(ranks) * size_of(dtype));
  }
  for (const std::size_t bytes : sizes) {
    const Row row = measure(task, pattern, bytes);
    totals_.add(row);
    if (output_ != nullptr) output_->row(row);
  }
}

Row Engine::measure(Task& task, const Pattern& pattern, std::size_t bytes) {
  const CollectiveBench& collective = *task.collective;
  const std::size_t ranks = bench_.comm.size();
  const std::size_t whole = bytes / size_of(task.dtype);
  task.shape = collective.shape(whole, ranks, bench_.comm.rank());
  Row row{.size = bytes,
          .count = collective.count(whole, ranks),
          .type = std::string(collective.has_elements ? benchmark_name(task.dtype) : "none"),
          .redop = std::string(collective.reduces ? benchmark_name(task.kind) : "none"),
          .iterations = bench_.options.iterations};
  for (const Placement placement : kPlacements) {
    announce(row, placement);
    task.placement = placement;
    Measurement measurement(bench_, task, pattern);
    row.figures[static_cast<std::size_t>(placement)] = measurement.run();
    wrong_here_ += measurement.wrong();
  }
  return row;
}

void Engine::announce(const Row& row, Placement placement) const {
  if (output_ == nullptr) return;
  output_->progress().show(fmt::format("{} {} {} {} bytes, {}", bench_.options.collective->name,
                                       row.type, row.redop, row.size, to_string(placement)));
}

}  // namespace

void let_start_up_pass(Communicator& comm) {
  constexpr std::chrono::milliseconds kStartUp{100};
  const auto begin = std::chrono::steady_clock::now();
  std::array<std::int64_t, 1> elapsed{};
  while (elapsed[0] < std::chrono::nanoseconds(kStartUp).count()) {
    elapsed[0] = std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count();
    all_reduce(comm, elapsed, ReduceKind::Max);
  }
}

int run_benchmark(Communicator& comm, const Options& options, std::string_view launch,
                  Rival* rival) {
  if (options.subject == Subject::memory) return run_memory_benchmark(comm, options, launch);
  if (options.subject == Subject::put) return run_put_benchmark(comm, options, launch);
  if (options.subject == Subject::tuning) return run_tuning(comm, options, launch);
  const std::size_t bytes = options.collective->has_elements ? options.sweep.max_bytes : 0;
  LineUp line_up(comm);
  if (rival != nullptr) {
    line_up.set_poll([rival] { rival->poll(); });
    rival->reserve(bytes);
  }
  const Buffers buffers(comm, options.buffers, bytes);
  const Bench bench{comm, options, line_up, buffers, rival};

  const RunInfo info = collect_run_info(bench, launch);
  std::optional<Output> output;
  open_on_rank_0(comm, [&] { output.emplace(options, info); });
  Engine engine(bench, output ? &*output : nullptr);
  engine.run();
  if (output) output->end(engine.totals());
  return engine.totals().wrong + engine.wrong_here() == 0 ? kOk : kWrongData;
}

}  // namespace rlx::bench
