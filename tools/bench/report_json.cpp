#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "rlx/version.hpp"
#include "tools/bench/report.hpp"

namespace rlx::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 3;  // nccl-tests' JSON_FILE_VERSION whose keys these are

/// The variables that decide how a run behaves; the rest of the environment is nobody's business.
Json environment() {
  constexpr std::string_view kPrefixes[] = {"RLX_",         "FI_",          "UCX_",
                                            "MPIR_CVAR_",   "OMPI_MCA_btl", "OMPI_MCA_pml",
                                            "OMPI_MCA_mtl", "OMPI_MCA_coll"};
  Json list = Json::array();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    for (const std::string_view prefix : kPrefixes) {
      if (text.starts_with(prefix)) list.push_back(*entry);
    }
  }
  return list;
}

Json devices(const RunInfo& info) {
  Json list = Json::array();
  for (const RankLine& line : info.rank_lines) {
    list.push_back({{"rank", line.rank},
                    {"group", 0},
                    {"pid", line.pid},
                    {"hostname", line.hostname},
                    {"device", line.device},
                    {"device_info", line.description}});
  }
  return list;
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json configuration(const RunInfo& info) {
  const Options& o = *info.options;
  Json config = {{"nthreads", o.launch.kind == LaunchKind::threads ? info.ranks : 1},
                 {"ngpus", 0},
                 {"minimum_bytes", o.sweep.min_bytes},
                 {"maximum_bytes", o.sweep.max_bytes}};
  if (o.sweep.factor > 1) {
    config["step_factor"] = o.sweep.factor;
  } else {
    config["step_bytes"] = o.sweep.step_bytes;
  }
  config.update({{"warmup_iters", o.warmup},
                 {"iterations", o.iterations},
                 {"aggregated_iterations", 1},
                 {"validation", o.checks},
                 {"graph", 0},
                 {"blocking_collectives", true},
                 {"per_iter_timing", o.per_iteration},
                 {"parallel_init", false},
                 {"buffers", to_string(o.buffers)},
                 {"faulty", or_null(o.faulty)},
                 {"window", info.window},
                 {"slot_bytes", info.slot_bytes},
                 {"devices", devices(info)}});
  return config;
}

Json against(const Figures& f, const std::string& library) {
  Json result = {{"library", library}, {"time", nullptr}, {"ratio", nullptr}};
  if (!f.rival->time) return result;
  result["time"] = f.rival->time->median;
  result["ratio"] = or_null(f.ratio());
  result["time_p10"] = f.rival->time->p10;
  result["time_p90"] = f.rival->time->p90;
  result["time_back_to_back"] = f.rival->back_to_back;
  return result;
}

Json figures(const Figures& f, const std::string& library) {
  Json result = {{"time", f.time.median},
                 {"alg_bw", f.alg_bw},
                 {"bus_bw", f.bus_bw},
                 {"nwrong", or_null(f.wrong)},
                 {"time_p10", f.time.p10},
                 {"time_p90", f.time.p90},
                 {"time_back_to_back", f.back_to_back},
                 {"back_to_back_calls", f.back_to_back_calls},
                 {"algorithm", f.algorithm},
                 {"pieces", f.pieces}};
  if (f.rival) result["against"] = against(f, library);
  return result;
}

/// Written whole at the end: a document that was cut off is not one.
class JsonReport final : public Report {
 public:
  explicit JsonReport(std::ostream& out) : out_(out) {}

  void begin(const RunInfo& info) override {
    rival_ = info.rival;
    name_ = info.options->collective->name;
    document_ = {{"version", kSchema},
                 {"start_time", time_stamp()},
                 {"args", info.options->arguments},
                 {"env", environment()},
                 {"tool", "rlx-bench"},
                 {"rlx_version", kVersion},
                 {"collective", name_},
                 {"ranks", info.ranks},
                 {"hosts", info.hosts},
                 {"launch", info.launch},
                 {"transport", info.transport},
                 {"provider", info.transport_detail},
                 {"protocol", info.protocol},
                 {"algorithm", info.algorithm},
                 {"line_up", info.line_up},
                 {"config", configuration(info)},
                 {"results", Json::array()}};
  }

  void row(const Row& row) override {
    document_["results"].push_back({{"size", row.size},
                                    {"count", row.count},
                                    {"type", row.type},
                                    {"redop", row.redop},
                                    {"root", row.root},
                                    {"out_of_place", figures(row.figures[0], rival_)},
                                    {"in_place", figures(row.figures[1], rival_)},
                                    {"actual_iterations", row.iterations},
                                    {"experiment_name", name_}});
  }

  void end(const Totals& totals) override {
    document_["out_of_bounds"] = {{"count", totals.wrong}, {"okay", totals.wrong == 0}};
    document_["average_bus_bandwidth"] = {{"bandwidth", totals.average_bus_bw()},
                                          {"okay", "unchecked"}};
    document_["errors"] = Json::array();
    document_["end_time"] = time_stamp();
    out_ << document_.dump(2) << std::endl;
  }

 private:
  std::ostream& out_;
  Json document_;
  std::string rival_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Report> json_report(std::ostream& out) { return std::make_unique<JsonReport>(out); }

}  // namespace rlx::bench
