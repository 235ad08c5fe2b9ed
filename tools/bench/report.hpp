#pragma once
// What rank 0 prints. One class per format; each gets the same values.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tools/bench/options.hpp"
#include "tools/bench/statistics.hpp"

namespace rlx::bench {

struct RankLine {
  std::uint32_t rank = 0;
  std::int32_t pid = 0;
  std::string hostname;
  std::string device;       ///< "cpu"
  std::string description;  ///< the device's own words
};

/// Known before the first row.
struct RunInfo {
  const Options* options = nullptr;
  std::string launch;  ///< "mpi", "threads", ...
  std::size_t ranks = 1;
  std::size_t hosts = 1;
  std::size_t cores = 0;         ///< logical, of rank 0's host
  std::string transport;         ///< "ofi"
  std::string transport_detail;  ///< provider and address
  std::string protocol;
  std::string algorithm;  ///< "auto" or what was asked for
  std::uint32_t window = 0;
  std::size_t slot_bytes = 0;
  std::string line_up;
  std::string rival;  ///< empty: none
  std::vector<RankLine> rank_lines;
};

/// The other library's figures, microseconds. No time where it has no such type or operation.
struct RivalFigures {
  std::optional<Summary> time;
  double back_to_back = 0;
};

/// One placement of one row.
struct Figures {
  Summary time;             ///< microseconds
  double back_to_back = 0;  ///< microseconds per call
  int back_to_back_calls = 0;
  std::string algorithm;     ///< that ran
  std::uint32_t pieces = 0;  ///< that the message travelled in, RunInfo::window at a time
  double alg_bw = 0;         ///< GB/s
  double bus_bw = 0;
  std::optional<std::uint64_t> wrong;  ///< elements, all ranks; nullopt: not checked
  std::optional<RivalFigures> rival;   ///< nullopt: no rival in this run

  /// Their time / ours, where they have one.
  [[nodiscard]] std::optional<double> ratio() const;
};

struct Row {
  std::size_t size = 0;
  std::size_t count = 0;
  std::string type;
  std::string redop;
  int root = -1;
  int iterations = 0;
  std::array<Figures, 2> figures;  ///< by Placement
};

struct Totals {
  std::uint64_t wrong = 0;
  double bus_bw_sum = 0;
  std::size_t figures = 0;

  void add(const Row& row);
  [[nodiscard]] double average_bus_bw() const;
};

class Report {
 public:
  virtual ~Report() = default;
  virtual void begin(const RunInfo& info) = 0;
  virtual void row(const Row& row) = 0;
  virtual void end(const Totals& totals) = 0;
};

/// nccl-tests' number: `value` right-aligned in `width`, with as many decimals as fit.
[[nodiscard]] std::string fitted(double value, int width);
/// "2026-01-31 12:34:56", local time.
[[nodiscard]] std::string time_stamp();

/// Streams must outlive the reports.
[[nodiscard]] std::unique_ptr<Report> table_report(std::ostream& out);
[[nodiscard]] std::unique_ptr<Report> csv_report(std::ostream& out);
[[nodiscard]] std::unique_ptr<Report> json_report(std::ostream& out);

}  // namespace rlx::bench
