#include <fmt/format.h>

#include "rlx/version.hpp"
#include "tools/bench/put_report.hpp"

namespace rlx::bench {
namespace {

class PutTableReport final : public PutReport {
 public:
  explicit PutTableReport(std::ostream& out) : out_(out) {}

  void begin(const PutInfo& info) override {
    print_run(info);
    const auto heading = [](const char* a, const char* b, const char* us, const char* p10,
                            const char* rate, const char* bw, const char* all, const char* wrong) {
      return fmt::format("# {:>10}  {:>10}  {:>9}  {:>8}  {:>8}  {:>8}  {:>8}  {:>8}  {:>6}", a, b,
                         us, p10, p10[0] == 'p' ? "p90" : p10, rate, bw, all, wrong);
    };
    out_ << "#\n"
         << heading("size", "what", "time", "p10", "rate", "per rank", "in all", "#wrong") << '\n'
         << heading("(B)", "", "(us)", "(us)", "(M/s)", "(GB/s)", "(GB/s)", "(B)") << std::endl;
  }

  void row(const PutRow& row) override {
    out_ << fmt::format("{:12}  {:>10}  {}  {}  {}", row.size, to_string(row.kind),
                        fitted(row.time.median, 9), fitted(row.time.p10, 8),
                        fitted(row.time.p90, 8));
    for (const double figure : {row.rate, row.rank_bw, row.total_bw})
      out_ << "  "
           << (row.kind == PutKind::latency ? fmt::format("{:>8}", "-") : fitted(figure, 8));
    out_ << "  " << (row.wrong ? fmt::format("{:6}", *row.wrong) : "   N/A") << std::endl;
  }

  void end(std::uint64_t wrong) override {
    out_ << fmt::format("# {:<20} : {} {}\n", "Out of bounds values", wrong,
                        wrong == 0 ? "OK" : "FAILED")
         << "#\n# Put test concluded" << std::endl;
  }

 private:
  void print_run(const PutInfo& info);

  std::ostream& out_;
};

void PutTableReport::print_run(const PutInfo& info) {
  const RunInfo& run = info.run;
  const Options& o = *run.options;
  const TransportCapabilities& transport = info.transport;
  const bool by_factor = o.sweep.factor > 1;
  out_ << fmt::format("# rlx-bench version {}\n", kVersion)
       << "# Put test starting: links between ranks, by one-sided puts\n"
       << fmt::format(
              "# nRanks {} nHosts {} minBytes {} maxBytes {} step: {}({}) warmup iters: {} iters: "
              "{} validation: {} outstanding: {} launch: {}\n",
              run.ranks, run.hosts, o.sweep.min_bytes, o.sweep.max_bytes,
              by_factor ? o.sweep.factor : o.sweep.step_bytes, by_factor ? "factor" : "bytes",
              o.warmup, o.iterations, o.checks, o.outstanding, run.launch)
       << fmt::format("# transport: {} ({}) signals: {} inline: {} B lanes: {}\n", transport.name,
                      transport.detail, to_string(transport.protocol), transport.inline_bytes,
                      transport.lanes)
       << fmt::format("# pairs: {}\n", describe_pairs(run))
       << fmt::format("# samples start by: {}\n", run.line_up);
  if (o.faulty) out_ << fmt::format("# faulty: {}\n", *o.faulty);
  out_ << (o.bidirectional
               ? "# latency: an exchange, each puts with a signal and waits for the other's.\n"
               : "# latency: half a round trip of a put with its signal.\n")
       << "# put: puts one after the other, signal with the last; put_signal: with each. Time "
          "until\n"
          "# the last is acknowledged, for one message.\n";
  if (run.ranks > run.cores)
    out_ << fmt::format("# {} ranks take turns on {} cores.\n", run.ranks, run.cores);
  out_ << "#\n# Using devices\n";
  for (const RankLine& line : run.rank_lines) {
    out_ << fmt::format("#  Rank {:2} Group  0 Pid {:6} on {:>10} device {:>2} {}\n", line.rank,
                        line.pid, line.hostname, line.device, line.description);
  }
}

}  // namespace

std::unique_ptr<PutReport> put_table_report(std::ostream& out) {
  return std::make_unique<PutTableReport>(out);
}

}  // namespace rlx::bench
