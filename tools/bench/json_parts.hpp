#pragma once
// What the JSON of every benchmark says alike.

#include <nlohmann/json.hpp>

#include "tools/bench/report.hpp"

namespace rlx::bench {

/// The document's start: tool, time, arguments, environment, ranks and launch. `name` is the value
/// of `key`: what was measured.
[[nodiscard]] nlohmann::ordered_json json_document(const RunInfo& info, const std::string& key,
                                                   const std::string& name);
/// "step_factor" or "step_bytes", whichever the sweep goes by, with the ends of the sweep.
[[nodiscard]] nlohmann::ordered_json json_sweep(const Sweep& sweep);
[[nodiscard]] nlohmann::ordered_json json_devices(const RunInfo& info);

}  // namespace rlx::bench
