#include "tools/bench/json_parts.hpp"

#include <unistd.h>

#include <string_view>

#include "rlx/version.hpp"

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

}  // namespace

nlohmann::ordered_json json_document(const RunInfo& info, const std::string& key,
                                     const std::string& name) {
  return {{"version", kSchema},
          {"start_time", time_stamp()},
          {"args", info.options->arguments},
          {"env", environment()},
          {"tool", "rlx-bench"},
          {"rlx_version", kVersion},
          {key, name},
          {"ranks", info.ranks},
          {"hosts", info.hosts},
          {"launch", info.launch},
          {"line_up", info.line_up}};
}

nlohmann::ordered_json json_sweep(const Sweep& sweep) {
  Json json = {{"minimum_bytes", sweep.min_bytes}, {"maximum_bytes", sweep.max_bytes}};
  if (sweep.factor > 1) {
    json["step_factor"] = sweep.factor;
  } else {
    json["step_bytes"] = sweep.step_bytes;
  }
  return json;
}

nlohmann::ordered_json json_devices(const RunInfo& info) {
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

}  // namespace rlx::bench
