#include <fmt/format.h>

#include "rlx/version.hpp"
#include "tools/bench/chosen_plans.hpp"
#include "tools/bench/report.hpp"

namespace rlx::bench {
namespace {

/// nccl-tests' thirteen columns, then ours: what reads theirs by position reads ours.
class TableReport final : public Report {
 public:
  explicit TableReport(std::ostream& out) : out_(out) {}

  void begin(const RunInfo& info) override;
  void row(const Row& row) override;
  void end(const Totals& totals) override;

 private:
  void print_run(const RunInfo& info);
  void print_heading();
  void print_plans();
  [[nodiscard]] std::string extra_heading(std::string_view first, std::string_view second) const;
  [[nodiscard]] std::string extra_columns(const Figures& figures) const;

  std::ostream& out_;
  std::string name_;
  bool spread_ = false;
  bool against_ = false;
  std::uint32_t window_ = 0;
  ChosenPlans plans_;
};

std::string columns(const Figures& figures) {
  const std::string wrong =
      figures.wrong ? fmt::format("{:6g}", static_cast<double>(*figures.wrong)) : "   N/A";
  return fmt::format("  {}  {}  {}  {}", fitted(figures.time.median, 7), fitted(figures.alg_bw, 6),
                     fitted(figures.bus_bw, 6), wrong);
}

std::string heading(std::string_view size, std::string_view count, std::string_view type,
                    std::string_view redop, std::string_view root) {
  return fmt::format("# {:>10}  {:>12}  {:>8}  {:>6}  {:>6}", size, count, type, redop, root);
}

void TableReport::begin(const RunInfo& info) {
  name_ = info.options->collective->name;
  spread_ = info.options->per_iteration;
  against_ = !info.rival.empty();
  window_ = info.window;
  print_run(info);
  print_heading();
}

void TableReport::print_run(const RunInfo& info) {
  const Options& o = *info.options;
  const bool by_factor = o.sweep.factor > 1;
  out_ << fmt::format("# rlx-bench version {}\n", kVersion)
       << fmt::format("# Collective test starting: {}\n", name_)
       << fmt::format(
              "# nRanks {} nHosts {} minBytes {} maxBytes {} step: {}({}) warmup iters: {} iters: "
              "{} "
              "validation: {} buffers: {} launch: {}\n",
              info.ranks, info.hosts, o.sweep.min_bytes, o.sweep.max_bytes,
              by_factor ? o.sweep.factor : o.sweep.step_bytes, by_factor ? "factor" : "bytes",
              o.warmup, o.iterations, o.checks, to_string(o.buffers), info.launch)
       << fmt::format("# transport: {} ({}) signals: {} algorithm: {} window: {} slot: {}\n",
                      info.transport, info.transport_detail, info.protocol, info.algorithm,
                      info.window, info.slot_bytes)
       << fmt::format("# samples start by: {}\n", info.line_up);
  if (o.faulty) out_ << fmt::format("# faulty: {}\n", *o.faulty);
  if (against_) out_ << fmt::format("# against: {}\n", info.rival);
  out_ << "#\n# Using devices\n";
  for (const RankLine& line : info.rank_lines) {
    out_ << fmt::format("#  Rank {:2} Group  0 Pid {:6} on {:>10} device {:>2} {}\n", line.rank,
                        line.pid, line.hostname, line.device, line.description);
  }
}

std::string TableReport::extra_heading(std::string_view first, std::string_view second) const {
  std::string text;
  const bool names = first == "p10";
  if (spread_) text += fmt::format("  {:>7}  {:>7}", first, names ? "p90" : first);
  text += fmt::format("  {:>7}", second);
  if (against_)
    text += fmt::format("  {:>7}  {:>6}", names ? "theirs" : second, names ? "ratio" : "");
  return text;
}

void TableReport::print_heading() {
  const std::string ours =
      fmt::format("  {:>7}  {:>6}  {:>6}  {:>6}", "time", "algbw", "busbw", "#wrong");
  const std::string units =
      fmt::format("  {:>7}  {:>6}  {:>6}  {:>6}", "(us)", "(GB/s)", "(GB/s)", "");
  const std::string extra = extra_heading("p10", "b2b");
  const std::string extra_units = extra_heading("(us)", "(us)");
  const int group = static_cast<int>(extra.size()) - 2;
  out_ << "#\n"
       << heading("", "", "", "", "")
       << "           out-of-place                       in-place          "
       << fmt::format("  {:^{}}  {:^{}}\n", "out-of-place", group, "in-place", group)
       << heading("size", "count", "type", "redop", "root") << ours << ours << extra << extra
       << '\n'
       << heading("(B)", "(elements)", "", "", "") << units << units << extra_units << extra_units
       << std::endl;
}

std::string TableReport::extra_columns(const Figures& figures) const {
  std::string text;
  if (spread_) {
    text += fmt::format("  {}  {}", fitted(figures.time.p10, 7), fitted(figures.time.p90, 7));
  }
  text += fmt::format("  {}", fitted(figures.back_to_back, 7));
  if (!against_) return text;
  const std::optional<double> ratio = figures.ratio();
  if (!ratio) return text + fmt::format("  {:>7}  {:>6}", "n/a", "n/a");
  return text + fmt::format("  {}  {}", fitted(figures.rival->time->median, 7), fitted(*ratio, 6));
}

void TableReport::row(const Row& row) {
  plans_.add(row);
  out_ << fmt::format("{:12}  {:12}  {:>8}  {:>6}  {:6}", row.size, row.count, row.type, row.redop,
                      row.root);
  for (const Figures& figures : row.figures) out_ << columns(figures);
  for (const Figures& figures : row.figures) out_ << extra_columns(figures);
  out_ << std::endl;  // rows appear as they are measured
}

/// After the footer of nccl-tests; everything that the time of a pipelined call follows from.
void TableReport::print_plans() {
  constexpr std::size_t kWidth = 100;
  out_ << fmt::format("# {:<20} : {}\n", "Algorithm", plans_.algorithms());
  const std::vector<std::string> entries = plans_.pieces();
  if (entries.empty()) {
    out_ << fmt::format("# Window {}, pieces per size: 1\n", window_);
    return;
  }
  std::string line = fmt::format("# Window {}, pieces per size:", window_);
  for (const std::string& entry : entries) {
    if (line.size() + entry.size() + 2 > kWidth) {
      out_ << line << '\n';
      line = "#  ";
    }
    line += fmt::format(" {}{}", entry, &entry == &entries.back() ? "" : ",");
  }
  out_ << line << '\n';
}

void TableReport::end(const Totals& totals) {
  out_ << fmt::format("# {:<20} : {} {}\n", "Out of bounds values", totals.wrong,
                      totals.wrong == 0 ? "OK" : "FAILED")
       << fmt::format("# {:<20} : {:g} \n", "Avg bus bandwidth", totals.average_bus_bw());
  print_plans();
  out_ << "#\n" << fmt::format("# Collective test concluded: {}", name_) << std::endl;
}

}  // namespace

std::unique_ptr<Report> table_report(std::ostream& out) {
  return std::make_unique<TableReport>(out);
}

}  // namespace rlx::bench
