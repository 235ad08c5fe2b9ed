#include "tools/bench/json_parts.hpp"
#include "tools/bench/put_report.hpp"

namespace rlx::bench {
namespace {

using Json = nlohmann::ordered_json;

/// Written whole at the end: a document that was cut off is not one.
class PutJsonReport final : public PutReport {
 public:
  explicit PutJsonReport(std::ostream& out) : out_(out) {}

  void begin(const PutInfo& info) override {
    const Options& o = *info.run.options;
    document_ = json_document(info.run, "benchmark", "put");
    Json config = json_sweep(o.sweep);
    config.update({{"warmup_iters", o.warmup},
                   {"iterations", o.iterations},
                   {"check", o.checks},
                   {"outstanding", o.outstanding},
                   {"bidirectional", o.bidirectional},
                   {"all", o.all_pairs},
                   {"faulty", o.faulty ? Json(*o.faulty) : Json(nullptr)},
                   {"cores", info.run.cores},
                   {"devices", json_devices(info.run)}});
    document_.update({{"transport", info.transport.name},
                      {"provider", info.transport.detail},
                      {"protocol", to_string(info.transport.protocol)},
                      {"inline_bytes", info.transport.inline_bytes},
                      {"lanes", info.transport.lanes},
                      {"pairs", describe_pairs(info.run)},
                      {"senders", info.senders},
                      {"config", config},
                      {"results", Json::array()}});
  }

  void row(const PutRow& row) override {
    Json json = {{"size", row.size},         {"what", to_string(row.kind)},
                 {"messages", row.messages}, {"time", row.time.median},
                 {"time_p10", row.time.p10}, {"time_p90", row.time.p90}};
    if (row.kind != PutKind::latency)
      json.update({{"rate", row.rate}, {"rank_bw", row.rank_bw}, {"total_bw", row.total_bw}});
    json["nwrong"] = row.wrong ? Json(*row.wrong) : Json(nullptr);
    document_["results"].push_back(std::move(json));
  }

  void end(std::uint64_t wrong) override {
    document_["out_of_bounds"] = {{"count", wrong}, {"okay", wrong == 0}};
    document_["errors"] = Json::array();
    document_["end_time"] = time_stamp();
    out_ << document_.dump(2) << std::endl;
  }

 private:
  std::ostream& out_;
  Json document_;
};

}  // namespace

std::unique_ptr<PutReport> put_json_report(std::ostream& out) {
  return std::make_unique<PutJsonReport>(out);
}

}  // namespace rlx::bench
