#include "tools/explain/proofs.hpp"

#include <fmt/core.h>

#include <chrono>
#include <string>

#include "collectives/describe.hpp"
#include "collectives/verifier/mutate.hpp"
#include "collectives/verifier/verifier.hpp"

namespace rlx::explain {

namespace {

namespace verifier = collectives::verifier;
using collectives::Algorithm;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string name(const Algorithm& algorithm, const collectives::Group& group) {
  return fmt::format("{}/{} on {}", to_string(algorithm.collective), algorithm.name,
                     describe(group));
}

std::string list_windows() {
  std::string text;
  for (const std::uint32_t window : verifier::kWindows)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", window);
  return text;
}

std::string list_reasons(const verifier::Tally& tally) {
  std::string text;
  for (const auto& [fault, count] : tally.reasons)
    text += fmt::format("{}{} {}", text.empty() ? ": " : ", ", to_string(fault), count);
  return text;
}

bool print(const std::string& what, const verifier::Tally& tally) {
  const std::string where = fmt::format("{}, {}", what, tally.kind);
  if (tally.tried == 0) {
    fmt::print("  --  {}: none, {}\n", where, tally.not_applicable);
    return true;
  }
  const bool passed = tally.survivors.empty();
  fmt::print("{}  {}: {} of {} rejected{}\n", passed ? "PASS" : "FAIL", where,
             tally.tried - tally.survivors.size(), tally.tried, list_reasons(tally));
  for (const std::string& survivor : tally.survivors) fmt::print("      SURVIVED {}\n", survivor);
  return passed;
}

}  // namespace

bool verify(const Algorithm& algorithm, const collectives::Group& group) {
  const auto start = std::chrono::steady_clock::now();
  const verifier::Verdict verdict = verifier::verify(algorithm, group);
  if (!verdict.findings.empty()) {
    fmt::print("FAIL  {}: {} findings\n", name(algorithm, group), verdict.findings.total());
    for (const verifier::Finding& finding : verdict.findings.kept())
      fmt::print("      {}: {}\n", to_string(finding.fault), finding.text);
    return false;
  }
  fmt::print(
      "PASS  {}: out of place and in place; {} rounds, {} chunks sent, {} messages as "
      "declared; {}; {} sequences of epochs with {} other algorithms, W = {}; {:.2f} s\n",
      name(algorithm, group), verdict.counted.rounds, verdict.counted.sent_chunks,
      verdict.counted.messages, verdict.all_dependent ? "all-dependent" : "not all-dependent",
      verdict.sequences, verdict.partners, list_windows(), seconds_since(start));
  return true;
}

bool mutate(const Algorithm& algorithm, const collectives::Group& group, Detail detail) {
  const auto tell = [](std::string_view kind, const std::string& what,
                       const verifier::Finding* reason) {
    if (reason == nullptr) return;  // listed as a survivor
    fmt::print("      {}: {}: rejected, {}: {}\n", kind, what, to_string(reason->fault),
               reason->text);
  };
  bool passed = true;
  const auto witness = detail == Detail::everything ? verifier::Witness(tell) : nullptr;
  for (const verifier::Tally& tally : verifier::mutate(algorithm, group, witness))
    passed = print(name(algorithm, group), tally) && passed;
  return passed;
}

}  // namespace rlx::explain
