#pragma once
// What rank 0 prints of rlx-bench memory. One class per format; each gets the same values.

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tools/bench/cache_line.hpp"
#include "tools/bench/memory_floor.hpp"
#include "tools/bench/report.hpp"

namespace rlx::bench {

/// Known after the last row.
struct MemorySummary {
  CacheLineTimes cache_line;
  std::vector<Floor> floors;
};

class MemoryReport {
 public:
  virtual ~MemoryReport() = default;
  virtual void begin(const RunInfo& info, const std::string& instruction_set) = 0;
  virtual void row(const MemoryRow& row) = 0;
  virtual void end(const MemorySummary& summary) = 0;
};

/// Streams must outlive the reports.
[[nodiscard]] std::unique_ptr<MemoryReport> memory_table_report(std::ostream& out);
[[nodiscard]] std::unique_ptr<MemoryReport> memory_csv_report(std::ostream& out);
[[nodiscard]] std::unique_ptr<MemoryReport> memory_json_report(std::ostream& out);

}  // namespace rlx::bench
