#include "rlx/error.hpp"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace rlx {
namespace {

// "all_reduce (call 12) on ranks 1, 3: PeerFailed: ... [step: ...]"
std::string describe(const ErrorDetails& details) {
  std::string text = details.operation.empty() ? "rlx" : details.operation;
  auto out = std::back_inserter(text);
  if (details.sequence != 0) fmt::format_to(out, " (call {})", details.sequence);
  const char* separator = details.ranks.size() > 1 ? " on ranks " : " on rank ";
  for (const Rank rank : details.ranks) {
    fmt::format_to(out, "{}{}", separator, rank.value());
    separator = ", ";
  }
  fmt::format_to(out, ": {}: {}", to_string(details.kind), details.message);
  if (!details.step.empty()) fmt::format_to(out, " [step: {}]", details.step);
  return text;
}

}  // namespace

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::InvalidArgument:
      return "InvalidArgument";
    case ErrorKind::OutOfBounds:
      return "OutOfBounds";
    case ErrorKind::LengthMismatch:
      return "LengthMismatch";
    case ErrorKind::UnknownRank:
      return "UnknownRank";
    case ErrorKind::Unsupported:
      return "Unsupported";
    case ErrorKind::OutOfMemory:
      return "OutOfMemory";
    case ErrorKind::Launch:
      return "Launch";
    case ErrorKind::WireVersion:
      return "WireVersion";
    case ErrorKind::Closed:
      return "Closed";
    case ErrorKind::Mismatch:
      return "Mismatch";
    case ErrorKind::PeerFailed:
      return "PeerFailed";
    case ErrorKind::Timeout:
      return "Timeout";
    case ErrorKind::Transport:
      return "Transport";
    case ErrorKind::Device:
      return "Device";
    case ErrorKind::Internal:
      return "Internal";
  }
  return "unknown";
}

CollectiveError::CollectiveError(ErrorDetails details)
    : std::runtime_error(describe(details)), details_(std::move(details)) {}

CollectiveError::CollectiveError(ErrorKind kind, std::string operation, std::string message,
                                 std::vector<Rank> ranks)
    : CollectiveError(ErrorDetails{.kind = kind,
                                   .ranks = std::move(ranks),
                                   .operation = std::move(operation),
                                   .sequence = 0,
                                   .step = {},
                                   .message = std::move(message)}) {}

bool is_final(ErrorKind kind) { return kind >= ErrorKind::Mismatch; }

}  // namespace rlx
