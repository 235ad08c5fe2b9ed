#include "tools/bench/memory_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>

#include "tools/bench/engine.hpp"
#include "tools/bench/exchange.hpp"
#include "tools/bench/memory_report.hpp"
#include "tools/bench/output_file.hpp"
#include "tools/bench/progress.hpp"
#include "tools/bench/run_info.hpp"

namespace rlx::bench {
namespace {

/// What a kernel that works in its own warm memory moves in one sample, so that the clock does not
/// count. Where others' memory is touched a sample is one pass: the second would find it in caches.
constexpr std::size_t kBytesPerSample = std::size_t{4} << 20;

using Clock = std::chrono::steady_clock;

std::unique_ptr<MemoryReport> stdout_report(Format format) {
  switch (format) {
    case Format::csv:
      return memory_csv_report(std::cout);
    case Format::json:
      return memory_json_report(std::cout);
    case Format::table:
      break;
  }
  return memory_table_report(std::cout);
}

/// What rank 0 prints to.
class Output {
 public:
  Output(const Options& options, const RunInfo& info) {
    if (!options.output_file.empty()) {
      file_ = open_exclusively(options.output_file);
      reports_.push_back(memory_json_report(file_));
    }
    reports_.push_back(stdout_report(options.format));
    for (auto& report : reports_) report->begin(info, memory_instruction_set());
  }
  void show(const MemoryRow& row) {
    progress_.show(fmt::format("{} {} {} {} bytes", to_string(row.kernel), to_string(row.reach),
                               to_string(row.stores), row.size));
  }
  void row(const MemoryRow& row) {
    progress_.clear();
    for (auto& report : reports_) report->row(row);
  }
  void end(const MemorySummary& summary) {
    progress_.clear();
    for (auto& report : reports_) report->end(summary);
  }

 private:
  std::ofstream file_;
  std::vector<std::unique_ptr<MemoryReport>> reports_;
  Progress progress_;
};

/// The cells of one size, in the order in which they are measured and printed.
std::vector<MemoryRow> cells(std::size_t size, std::size_t ranks) {
  std::vector<MemoryRow> rows;
  for (const MemoryKernel kernel : kMemoryKernels) {
    const bool reads = kernel != MemoryKernel::write;
    const bool writes = kernel != MemoryKernel::read;
    for (const Reach reach : kReaches) {
      if (reach != Reach::local && ranks == 1) continue;
      if (reach != Reach::local && reach != Reach::to && !reads) continue;
      if (reach != Reach::local && reach != Reach::from && !writes) continue;
      for (const Stores stores : {Stores::none, Stores::plain, Stores::stream})
        if ((stores == Stores::none) != writes)
          rows.push_back({.size = size, .kernel = kernel, .reach = reach, .stores = stores});
    }
  }
  return rows;
}

class Sampler {
 public:
  Sampler(Communicator& comm, LineUp& line_up, const MemoryBuffers& buffers, const Options& options)
      : comm_(comm), line_up_(line_up), buffers_(buffers), options_(options) {}

  /// Collective; the figures are equal on all ranks.
  void measure(MemoryRow& row) {
    const MemoryArrays arrays = buffers_.arrays(row.kernel, row.reach, row.size);
    row.bytes = arrays.bytes * arrays_of(row.kernel);
    std::vector<double> mine;
    for (int i = -options_.warmup; i < options_.iterations; ++i) {
      const double us = sample(row, arrays);
      if (i >= 0) mine.push_back(us);
    }
    const std::size_t ranks = comm_.size();
    row.time = summarize(slowest_rank(gather(comm_, mine), ranks));
    row.rank_bw = bandwidth(row.bytes, row.time.median);
    row.total_bw = row.rank_bw * static_cast<double>(ranks);
  }

 private:
  /// Microseconds of one pass.
  double sample(const MemoryRow& row, const MemoryArrays& arrays) {
    const MemoryFunction function = memory_function(row.kernel, row.stores);
    std::size_t passes = 1;
    if (row.reach == Reach::local) {
      passes = std::max<std::size_t>(1, kBytesPerSample / row.bytes);
    } else {
      buffers_.rewrite(row.kernel, row.size);
    }
    line_up_.wait();
    const auto begin = Clock::now();
    for (std::size_t pass = 0; pass < passes; ++pass) function(arrays);
    const std::chrono::duration<double, std::micro> took = Clock::now() - begin;
    return took.count() / static_cast<double>(passes);
  }

  Communicator& comm_;
  LineUp& line_up_;
  const MemoryBuffers& buffers_;
  const Options& options_;
};

}  // namespace

int run_memory_benchmark(Communicator& comm, const Options& options, std::string_view launch) {
  LineUp line_up(comm);
  const MemoryBuffers buffers(comm, options.sweep.max_bytes);
  const RunInfo info = collect_host_info(comm, options, launch, line_up.description());
  std::optional<Output> output;
  open_on_rank_0(comm, [&] { output.emplace(options, info); });
  let_start_up_pass(comm);

  Sampler sampler(comm, line_up, buffers, options);
  const std::vector<std::size_t> sizes = sweep_sizes(options.sweep, 1);
  std::vector<MemoryRow> rows;
  for (const std::size_t size : sizes) {
    for (MemoryRow& row : cells(size, comm.size())) {
      if (output) output->show(row);
      sampler.measure(row);
      if (output) output->row(row);
      rows.push_back(row);
    }
  }
  MemorySummary summary;
  summary.cache_line = time_cache_lines(comm, line_up, buffers, options.iterations);
  const double line_us = summary.cache_line.own_lines.median_ns / 1e3;
  summary.floors = memory_floors(rows, comm.size(), line_us, sizes);
  if (output) output->end(summary);
  return kOk;
}

}  // namespace rlx::bench
