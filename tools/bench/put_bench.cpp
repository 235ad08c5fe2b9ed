#include "tools/bench/put_bench.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <numeric>
#include <optional>

#include "tools/bench/engine.hpp"
#include "tools/bench/exchange.hpp"
#include "tools/bench/output_file.hpp"
#include "tools/bench/progress.hpp"
#include "tools/bench/put_report.hpp"
#include "tools/bench/run_info.hpp"
#include "tools/bench/usage_error.hpp"

namespace rlx::bench {

namespace {

std::unique_ptr<PutReport> stdout_report(Format format) {
  switch (format) {
    case Format::csv:
      return put_csv_report(std::cout);
    case Format::json:
      return put_json_report(std::cout);
    case Format::table:
      break;
  }
  return put_table_report(std::cout);
}

/// What rank 0 prints to.
class Output {
 public:
  Output(const Options& options, const PutInfo& info) {
    if (!options.output_file.empty()) {
      file_ = open_exclusively(options.output_file);
      reports_.push_back(put_json_report(file_));
    }
    reports_.push_back(stdout_report(options.format));
    for (auto& report : reports_) report->begin(info);
  }
  void show(std::size_t size, PutKind kind) {
    progress_.show(fmt::format("{} {} bytes", to_string(kind), size));
  }
  void row(const PutRow& row) {
    progress_.clear();
    for (auto& report : reports_) report->row(row);
  }
  void end(std::uint64_t wrong) {
    progress_.clear();
    for (auto& report : reports_) report->end(wrong);
  }

 private:
  std::ofstream file_;
  std::vector<std::unique_ptr<PutReport>> reports_;
  Progress progress_;
};

Cores cores_of(const Communicator& comm) {
  const auto cores = static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_ONLN));
  return comm.size() > cores ? Cores::shared : Cores::one_each;
}

/// The shapes of the sweep: of every size, every kind. Nothing can not be put without a signal.
std::vector<PutShape> shapes_of(const Communicator& comm, const Options& options) {
  std::vector<PutShape> shapes;
  for (const std::size_t size : sweep_sizes(options.sweep, 1))
    for (const PutKind kind : kPutKinds)
      if (size > 0 || kind != PutKind::put)
        shapes.push_back(shape_of(size, kind, options.outstanding, cores_of(comm)));
  return shapes;
}

/// Collective. Connections are made, and what launched the job leaves its cores alone (see
/// let_start_up_pass).
void warm_up(Communicator& comm, PutSeries series) {
  constexpr double kLongUs = 100'000;
  const auto begin = std::chrono::steady_clock::now();
  for (std::array<double, 1> elapsed{}; elapsed[0] < kLongUs;) {
    static_cast<void>(series.sample());
    elapsed[0] =
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
    all_reduce(comm, elapsed, ReduceKind::Max);
  }
}

/// Collective; the figures are equal on all ranks.
PutRow measure(Communicator& comm, const Options& options, const PutRole& role,
               const PutShape& shape, PutSeries series) {
  PutRow row{.size = shape.size, .kind = shape.kind, .messages = shape.messages};
  std::vector<double> mine;
  for (int i = -options.warmup; i < options.iterations; ++i) {
    const double us = series.sample();
    if (i >= 0) mine.push_back(us);
  }
  row.time = summarize(slowest_rank(gather(comm, mine), comm.size()));
  if (shape.kind != PutKind::latency && row.time.median > 0) {
    row.rate = 1 / row.time.median;
    row.rank_bw = bandwidth(shape.size, row.time.median);
    row.total_bw = row.rank_bw * static_cast<double>(role.senders);
  }
  if (options.checks == 0) return row;
  std::uint64_t wrong = 0;
  for (int i = 0; i < options.checks; ++i) wrong += series.check(static_cast<std::uint32_t>(i));
  const std::vector<std::uint64_t> all = gather(comm, std::vector<std::uint64_t>{wrong});
  row.wrong = std::accumulate(all.begin(), all.end(), std::uint64_t{0});
  return row;
}

}  // namespace

std::string describe_pairs(const RunInfo& run) {
  const std::size_t half = run.ranks / 2;
  const bool both = run.options->bidirectional;
  const bool all = run.options->all_pairs && half > 1;
  return fmt::format("{} {} {}{}{}", all ? "rank i" : "rank 0", both ? "and" : "to",
                     all ? fmt::format("rank i + {}", half) : fmt::format("rank {}", half),
                     all ? fmt::format(", i < {}, all at once", half) : "",
                     both ? ", both ways" : "");
}

int run_put_benchmark(Communicator& comm, const Options& options, std::string_view launch) {
  if (comm.size() < 2) throw UsageError("put needs two ranks: mpirun -n 2, or --launch threads:2");
  LineUp line_up(comm);
  const std::vector<PutShape> shapes = shapes_of(comm, options);
  std::size_t bytes = 0;
  for (const PutShape& shape : shapes) bytes = std::max(bytes, shape.bytes());
  Link link(comm, line_up, options, bytes);
  line_up.set_poll([&link] { link.poll(); });
  const PutRole role(comm, options);
  const PutInfo info{collect_host_info(comm, options, launch, line_up.description()),
                     link.capabilities(), role.senders};
  std::optional<Output> output;
  open_on_rank_0(comm, [&] { output.emplace(options, info); });
  warm_up(comm, {link, line_up, role, shapes.front()});

  std::uint64_t wrong = 0;
  for (const PutShape& shape : shapes) {
    if (output) output->show(shape.size, shape.kind);
    const PutRow row = measure(comm, options, role, shape, {link, line_up, role, shape});
    wrong += row.wrong.value_or(0);
    if (output) output->row(row);
  }
  if (output) output->end(wrong);
  return wrong == 0 ? kOk : kWrongData;
}

}  // namespace rlx::bench
