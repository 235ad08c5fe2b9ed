#include <fmt/format.h>

#include "tools/bench/put_report.hpp"

namespace rlx::bench {
namespace {

/// A field that does not apply is empty.
class PutCsvReport final : public PutReport {
 public:
  explicit PutCsvReport(std::ostream& out) : out_(out) {}

  void begin(const PutInfo& info) override {
    const Options& o = *info.run.options;
    tail_ = fmt::format("{},{},{},{},{}", info.senders, o.bidirectional ? "both" : "one",
                        info.transport.name, to_string(info.transport.protocol), info.run.ranks);
    out_ << "size,what,messages,time,time_p10,time_p90,rate,rank_bw,total_bw,nwrong,senders,ways,"
            "transport,protocol,ranks"
         << std::endl;
  }

  void row(const PutRow& row) override {
    const std::string rates =
        row.kind == PutKind::latency
            ? ",,"
            : fmt::format("{:.6f},{:.6f},{:.6f}", row.rate, row.rank_bw, row.total_bw);
    out_ << fmt::format("{},{},{},{:.4f},{:.4f},{:.4f},{},{},{}", row.size, to_string(row.kind),
                        row.messages, row.time.median, row.time.p10, row.time.p90, rates,
                        row.wrong ? std::to_string(*row.wrong) : "", tail_)
         << std::endl;
  }

  void end(std::uint64_t /*wrong*/) override { out_.flush(); }

 private:
  std::ostream& out_;
  std::string tail_;
};

}  // namespace

std::unique_ptr<PutReport> put_csv_report(std::ostream& out) {
  return std::make_unique<PutCsvReport>(out);
}

}  // namespace rlx::bench
