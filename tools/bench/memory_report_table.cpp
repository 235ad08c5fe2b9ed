#include <fmt/format.h>

#include "rlx/version.hpp"
#include "tools/bench/memory_report.hpp"

namespace rlx::bench {
namespace {

class MemoryTableReport final : public MemoryReport {
 public:
  explicit MemoryTableReport(std::ostream& out) : out_(out) {}

  void begin(const RunInfo& info, const std::string& instruction_set) override;
  void row(const MemoryRow& row) override;
  void end(const MemorySummary& summary) override;

 private:
  void print_run(const RunInfo& info, const std::string& instruction_set);
  void print_cache_line(const CacheLineTimes& times);
  void print_floors(const std::vector<Floor>& floors);

  std::ostream& out_;
};

void MemoryTableReport::begin(const RunInfo& info, const std::string& instruction_set) {
  print_run(info, instruction_set);
  out_ << "#\n"
       << fmt::format("# {:>10}  {:>6}  {:>6}  {:>6}  {:>10}  {:>8}  {:>8}  {:>8}  {:>8}\n", "size",
                      "kernel", "memory", "stores", "time", "p10", "p90", "per rank", "in all")
       << fmt::format("# {:>10}  {:>6}  {:>6}  {:>6}  {:>10}  {:>8}  {:>8}  {:>8}  {:>8}", "(B)",
                      "", "", "", "(us)", "(us)", "(us)", "(GB/s)", "(GB/s)")
       << std::endl;
}

void MemoryTableReport::print_run(const RunInfo& info, const std::string& instruction_set) {
  const Options& o = *info.options;
  const bool by_factor = o.sweep.factor > 1;
  out_
      << fmt::format("# rlx-bench version {}\n", kVersion)
      << "# Memory test starting: the floor of the memory system\n"
      << fmt::format(
             "# nRanks {} nHosts {} minBytes {} maxBytes {} step: {}({}) warmup iters: {} iters: "
             "{} "
             "launch: {} kernels: {}\n",
             info.ranks, info.hosts, o.sweep.min_bytes, o.sweep.max_bytes,
             by_factor ? o.sweep.factor : o.sweep.step_bytes, by_factor ? "factor" : "bytes",
             o.warmup, o.iterations, info.launch, instruction_set)
      << fmt::format("# samples start by: {}\n", info.line_up)
      << "# All ranks work at once. size: bytes that a rank touches in one pass, each once; GB/s\n"
         "# count bytes read and bytes written. time: one pass of the slowest rank, median.\n"
         "# memory local: a rank's own, warm. from, to, both: the last source, the destination, "
         "or\n"
         "# both are the next rank's, whose owner has just rewritten them. stream: non-temporal.\n";
  if (info.ranks > info.cores)
    out_ << fmt::format(
        "# {} ranks take turns on {} cores: no rate below is that of all at once.\n", info.ranks,
        info.cores);
  out_ << "#\n# Using devices\n";
  for (const RankLine& line : info.rank_lines) {
    out_ << fmt::format("#  Rank {:2} Group  0 Pid {:6} on {:>10} device {:>2} {}\n", line.rank,
                        line.pid, line.hostname, line.device, line.description);
  }
}

void MemoryTableReport::row(const MemoryRow& row) {
  out_ << fmt::format("{:12}  {:>6}  {:>6}  {:>6}  {}  {}  {}  {}  {}", row.size,
                      to_string(row.kernel), to_string(row.reach), to_string(row.stores),
                      fitted(row.time.median, 10), fitted(row.time.p10, 8), fitted(row.time.p90, 8),
                      fitted(row.rank_bw, 8), fitted(row.total_bw, 8))
       << std::endl;
}

void MemoryTableReport::end(const MemorySummary& summary) {
  print_cache_line(summary.cache_line);
  print_floors(summary.floors);
  out_ << "#\n# Memory test concluded" << std::endl;
}

void MemoryTableReport::print_cache_line(const CacheLineTimes& times) {
  if (times.pairs.empty()) return;
  out_ << fmt::format(
              "#\n# Cache line from rank to rank, one way, {} pairs one at a time: each rank "
              "writes a "
              "line\n# of its own, as signals are (own), or both write one line (one)\n",
              times.pairs.size())
       << fmt::format("# {:>5}  {:>8}  {:>8}  {:>8}\n", "lines", "median", "p5", "p95")
       << fmt::format("# {:>5}  {:>8}  {:>8}  {:>8}\n", "", "(ns)", "(ns)", "(ns)");
  const auto line = [&](std::string_view name, const HopTime& hop) {
    out_ << fmt::format("{:>7}  {}  {}  {}\n", name, fitted(hop.median_ns, 8), fitted(hop.p5_ns, 8),
                        fitted(hop.p95_ns, 8));
  };
  line("own", times.own_lines);
  line("one", times.one_line);
}

void MemoryTableReport::print_floors(const std::vector<Floor>& floors) {
  out_ << "#\n# Floor of the collectives: the least time for the bytes that must move\n";
  for (const std::string_view line : floor_formulas()) out_ << "#   " << line << '\n';
  out_ << fmt::format("# {:>10}  {:>14}  {:>13}  {:>5}  {:>10}  {:>7}\n", "size", "floor", "shape",
                      "bound", "time", "algbw")
       << fmt::format("# {:>10}  {:>14}  {:>13}  {:>5}  {:>10}  {:>7}\n", "(B)", "", "", "", "(us)",
                      "(GB/s)");
  for (const Floor& floor : floors) {
    out_ << fmt::format("{:12}  {:>14}  {:>13}  {:>5}  {}  {}\n", floor.size, floor.collective,
                        floor.shape, floor.bound, fitted(floor.time, 10), fitted(floor.alg_bw, 7));
  }
}

}  // namespace

std::unique_ptr<MemoryReport> memory_table_report(std::ostream& out) {
  return std::make_unique<MemoryTableReport>(out);
}

}  // namespace rlx::bench
