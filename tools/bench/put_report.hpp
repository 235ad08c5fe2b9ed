#pragma once
// What rank 0 prints of rlx-bench put. One class per format; each gets the same values.

#include <memory>
#include <optional>
#include <ostream>

#include "rlx/symmetric_transport.hpp"
#include "tools/bench/put_series.hpp"
#include "tools/bench/report.hpp"
#include "tools/bench/statistics.hpp"

namespace rlx::bench {

struct PutRow {
  std::size_t size = 0;
  PutKind kind = PutKind::latency;
  std::uint32_t messages = 0;          ///< of a sample, each way
  Summary time;                        ///< microseconds a message, the slowest sender's
  double rate = 0;                     ///< million messages a second of one sender; latency: 0
  double rank_bw = 0;                  ///< GB/s of one sender; latency: 0
  double total_bw = 0;                 ///< of all senders
  std::optional<std::uint64_t> wrong;  ///< bytes, all ranks; nullopt: not checked
};

/// Known before the first row, besides RunInfo.
struct PutInfo {
  RunInfo run;
  TransportCapabilities transport;  ///< the benchmark's own
  std::size_t senders = 0;
};

/// "rank 0 to rank 2", "rank i to rank i + 2, i < 2", "rank 0 and rank 2, both ways", ...
[[nodiscard]] std::string describe_pairs(const RunInfo& run);

class PutReport {
 public:
  virtual ~PutReport() = default;
  virtual void begin(const PutInfo& info) = 0;
  virtual void row(const PutRow& row) = 0;
  virtual void end(std::uint64_t wrong) = 0;
};

/// Streams must outlive the reports.
[[nodiscard]] std::unique_ptr<PutReport> put_table_report(std::ostream& out);
[[nodiscard]] std::unique_ptr<PutReport> put_csv_report(std::ostream& out);
[[nodiscard]] std::unique_ptr<PutReport> put_json_report(std::ostream& out);

}  // namespace rlx::bench
