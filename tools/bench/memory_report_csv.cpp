#include <fmt/format.h>

#include "tools/bench/memory_report.hpp"

namespace rlx::bench {
namespace {

/// One kind of line, so that every column has one meaning. Empty: does not apply.
class MemoryCsvReport final : public MemoryReport {
 public:
  explicit MemoryCsvReport(std::ostream& out) : out_(out) {}

  void begin(const RunInfo& info, const std::string& /*instruction_set*/) override {
    ranks_ = info.ranks;
    out_ << "what,name,memory,stores,size,bytes,time,time_p10,time_p90,rank_bw,total_bw,ranks"
         << std::endl;
  }

  void row(const MemoryRow& row) override {
    out_ << fmt::format("kernel,{},{},{},{},{},{:.4f},{:.4f},{:.4f},{:.4f},{:.4f},{}",
                        to_string(row.kernel), to_string(row.reach), to_string(row.stores),
                        row.size, row.bytes, row.time.median, row.time.p10, row.time.p90,
                        row.rank_bw, row.total_bw, ranks_)
         << std::endl;
  }

  void end(const MemorySummary& summary) override {
    for (const PairTime& pair : summary.cache_line.pairs) {
      for (const auto& [lines, ns] :
           {std::pair("own", pair.own_lines_ns), std::pair("one", pair.one_line_ns)})
        out_ << fmt::format("cache_line,{}-{},{},,64,64,{:.5f},,,,,{}\n", pair.first, pair.second,
                            lines, ns / 1e3, ranks_);
    }
    for (const Floor& floor : summary.floors) {
      out_ << fmt::format("floor,{},{},,{},{:.0f},{:.4f},,,{:.4f},,{}\n", floor.collective,
                          floor.shape, floor.size, floor.bytes_per_rank, floor.time, floor.alg_bw,
                          ranks_);
    }
    out_.flush();
  }

 private:
  std::ostream& out_;
  std::size_t ranks_ = 0;
};

}  // namespace

std::unique_ptr<MemoryReport> memory_csv_report(std::ostream& out) {
  return std::make_unique<MemoryCsvReport>(out);
}

}  // namespace rlx::bench
