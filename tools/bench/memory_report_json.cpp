#include "tools/bench/json_parts.hpp"
#include "tools/bench/memory_report.hpp"

namespace rlx::bench {
namespace {

using Json = nlohmann::ordered_json;

Json hop(const HopTime& time) {
  return {{"ns", time.median_ns}, {"ns_p5", time.p5_ns}, {"ns_p95", time.p95_ns}};
}

Json cache_line(const CacheLineTimes& times) {
  if (times.pairs.empty()) return nullptr;
  Json pairs = Json::array();
  for (const PairTime& pair : times.pairs) {
    pairs.push_back({{"ranks", {pair.first, pair.second}},
                     {"own_lines_ns", pair.own_lines_ns},
                     {"one_line_ns", pair.one_line_ns}});
  }
  return {{"own_lines", hop(times.own_lines)},
          {"one_line", hop(times.one_line)},
          {"samples", times.samples},
          {"round_trips", times.round_trips},
          {"pairs", pairs}};
}

Json floors(const std::vector<Floor>& floors) {
  Json list = Json::array();
  for (const Floor& floor : floors) {
    list.push_back({{"collective", floor.collective},
                    {"size", floor.size},
                    {"shape", floor.shape},
                    {"bound", floor.bound},
                    {"bytes_per_rank", floor.bytes_per_rank},
                    {"time", floor.time},
                    {"alg_bw", floor.alg_bw}});
  }
  return list;
}

/// Written whole at the end: a document that was cut off is not one.
class MemoryJsonReport final : public MemoryReport {
 public:
  explicit MemoryJsonReport(std::ostream& out) : out_(out) {}

  void begin(const RunInfo& info, const std::string& instruction_set) override {
    document_ = json_document(info, "benchmark", "memory");
    Json config = json_sweep(info.options->sweep);
    config.update({{"warmup_iters", info.options->warmup},
                   {"iterations", info.options->iterations},
                   {"instruction_set", instruction_set},
                   {"cores", info.cores},
                   {"all_at_once", info.ranks <= info.cores},
                   {"devices", json_devices(info)}});
    document_.update({{"config", config}, {"results", Json::array()}});
  }

  void row(const MemoryRow& row) override {
    document_["results"].push_back({{"size", row.size},
                                    {"kernel", to_string(row.kernel)},
                                    {"memory", to_string(row.reach)},
                                    {"stores", to_string(row.stores)},
                                    {"bytes", row.bytes},
                                    {"time", row.time.median},
                                    {"time_p10", row.time.p10},
                                    {"time_p90", row.time.p90},
                                    {"rank_bw", row.rank_bw},
                                    {"total_bw", row.total_bw}});
  }

  void end(const MemorySummary& summary) override {
    document_["cache_line"] = cache_line(summary.cache_line);
    Json formulas = Json::array();
    for (const std::string_view line : floor_formulas()) formulas.push_back(line);
    document_["floor_formulas"] = formulas;
    document_["floors"] = floors(summary.floors);
    document_["errors"] = Json::array();
    document_["end_time"] = time_stamp();
    out_ << document_.dump(2) << std::endl;
  }

 private:
  std::ostream& out_;
  Json document_;
};

}  // namespace

std::unique_ptr<MemoryReport> memory_json_report(std::ostream& out) {
  return std::make_unique<MemoryJsonReport>(out);
}

}  // namespace rlx::bench
