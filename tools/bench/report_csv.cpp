#include <fmt/format.h>

#include "tools/bench/report.hpp"

namespace rlx::bench {
namespace {

/// One line per placement, so that every column has one meaning. Empty: not measured, not checked.
class CsvReport final : public Report {
 public:
  explicit CsvReport(std::ostream& out) : out_(out) {}

  void begin(const RunInfo& info) override {
    collective_ = info.options->collective->name;
    against_ = !info.rival.empty();
    run_ = fmt::format(",{},{}", info.window, info.ranks);
    out_ << "collective,size,count,type,redop,root,placement,time,time_p10,time_p90,"
            "time_back_to_back,alg_bw,bus_bw,nwrong,algorithm,pieces,window,ranks"
         << (against_ ? ",against_time,against_time_back_to_back,ratio" : "") << std::endl;
  }

  void row(const Row& row) override {
    for (const Placement placement : kPlacements) {
      const Figures& f = row.figures[static_cast<std::size_t>(placement)];
      out_ << fmt::format("{},{},{},{},{},{},{},{:.3f},{:.3f},{:.3f},{:.3f},{:.6f},{:.6f},{},{},{}",
                          collective_, row.size, row.count, row.type, row.redop, row.root,
                          to_string(placement), f.time.median, f.time.p10, f.time.p90,
                          f.back_to_back, f.alg_bw, f.bus_bw,
                          f.wrong ? std::to_string(*f.wrong) : "", f.algorithm, f.pieces)
           << run_ << (against_ ? against(f) : "") << std::endl;
    }
  }

  void end(const Totals& /*totals*/) override { out_.flush(); }

 private:
  static std::string against(const Figures& f) {
    const std::optional<double> ratio = f.ratio();
    if (!ratio) return ",,,";
    return fmt::format(",{:.3f},{:.3f},{:.3f}", f.rival->time->median, f.rival->back_to_back,
                       *ratio);
  }

  std::ostream& out_;
  std::string collective_;
  std::string run_;  // window and ranks, the same on every line
  bool against_ = false;
};

}  // namespace

std::unique_ptr<Report> csv_report(std::ostream& out) { return std::make_unique<CsvReport>(out); }

}  // namespace rlx::bench
