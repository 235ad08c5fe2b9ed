#include "tools/bench/json_parts.hpp"

namespace rlx::bench {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json configuration(const RunInfo& info) {
  const Options& o = *info.options;
  Json config = {{"nthreads", o.launch.kind == LaunchKind::threads ? info.ranks : 1}, {"ngpus", 0}};
  config.update(json_sweep(o.sweep));
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
                 {"devices", json_devices(info)}});
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
    document_ = json_document(info, "collective", name_);
    document_.update({{"transport", info.transport},
                      {"provider", info.transport_detail},
                      {"protocol", info.protocol},
                      {"algorithm", info.algorithm},
                      {"config", configuration(info)},
                      {"results", Json::array()}});
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
