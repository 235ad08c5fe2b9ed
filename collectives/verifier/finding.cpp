#include "collectives/verifier/finding.hpp"

#include <algorithm>

namespace rlx::collectives::verifier {

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::malformed:
      return "malformed";
    case Fault::word:
      return "word";
    case Fault::unawaited:
      return "unawaited signal";
    case Fault::deadlock:
      return "deadlock";
    case Fault::undefined:
      return "undefined value";
    case Fault::contribution:
      return "contribution";
    case Fault::finalise:
      return "finalisation";
    case Fault::dead_write:
      return "dead write";
    case Fault::arrive:
      return "ARRIVE";
    case Fault::race:
      return "race";
    case Fault::completion:
      return "completion";
    case Fault::order:
      return "order of operands";
    case Fault::dependence:
      return "all-dependence";
    case Fault::reuse:
      return "reuse of a set";
    case Fault::cost:
      return "cost";
  }
  return "?";
}

void Findings::add(Fault fault, std::string text) {
  ++total_;
  if (kept_.size() < kKept) kept_.push_back({fault, std::move(text)});
}

void Findings::add(const Findings& others, std::string_view where) {
  for (const Finding& finding : others.kept_)
    add(finding.fault, std::string(where) + ": " + finding.text);
  total_ += others.total_ - others.kept_.size();
}

bool Findings::has(Fault fault) const {
  return std::any_of(kept_.begin(), kept_.end(),
                     [&](const Finding& finding) { return finding.fault == fault; });
}

}  // namespace rlx::collectives::verifier
