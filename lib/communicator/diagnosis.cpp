#include "lib/communicator/diagnosis.hpp"

#include <fmt/format.h>

namespace rlx::detail {

using collectives::StepKind;

std::string describe_step(const CommunicatorState& communicator, const Blocked& blocked) {
  if (!blocked.step) return "completion of puts";
  const auto& step = *blocked.step;
  const std::string& algorithm = blocked.call->prepared->algorithm;
  switch (step.kind) {
    case StepKind::wait:
      return fmt::format("wait for part {} of word {} from rank {} (epoch {}, {}, {} ranks)",
                         step.part, step.word, step.peer, blocked.epoch, algorithm,
                         communicator.size());
    case StepKind::put:
    case StepKind::signal:
      return fmt::format("put of {} bytes to rank {} (epoch {}, {})", step.bytes, step.peer,
                         blocked.epoch, algorithm);
    case StepKind::publish:
      return fmt::format("publication of {} bytes (epoch {}, {})", step.bytes, blocked.epoch,
                         algorithm);
    case StepKind::copy:
    case StepKind::reduce:
      return fmt::format("{} of {} bytes (epoch {}, {})",
                         step.kind == StepKind::copy ? "copy" : "reduce", step.bytes, blocked.epoch,
                         algorithm);
  }
  return "unknown step";
}

std::string describe_call(const CallDescriptor& call) {
  const auto purpose = static_cast<CallPurpose>(call.purpose);
  const auto operation = collective_of(static_cast<Operation>(call.operation));
  if (purpose != CallPurpose::user)
    return fmt::format("{} (its {}, call {})", to_string(purpose), to_string(operation),
                       call.user_sequence);
  if (static_cast<Operation>(call.operation) == Operation::barrier)
    return fmt::format("barrier (call {})", call.user_sequence);
  const bool reduces = static_cast<Operation>(call.operation) != Operation::all_gather;
  const std::string memory = call.in_place
                                 ? (call.symmetric_out ? "heap" : "private")
                                 : fmt::format("{} to {}", call.symmetric_in ? "heap" : "private",
                                               call.symmetric_out ? "heap" : "private");
  return fmt::format("{} of {} {}{}{}, {}, {} memory (call {})", to_string(operation), call.count,
                     to_string(static_cast<DType>(call.dtype)), reduces ? ", " : "",
                     reduces ? to_string(static_cast<ReduceKind>(call.kind)) : "",
                     call.in_place ? "in place" : "out of place", memory, call.user_sequence);
}

std::string operation_name(const CallState& call) {
  if (call.purpose != CallPurpose::user) return to_string(call.purpose);
  return std::string(to_string(collective_of(call.arguments.operation)));
}

ErrorDetails details_of(const CommunicatorState& communicator, const Blocked& blocked,
                        ErrorKind kind, std::string message) {
  ErrorDetails details;
  details.kind = kind;
  details.message = std::move(message);
  if (!blocked.call) return details;
  details.operation = operation_name(*blocked.call);
  details.sequence = blocked.call->sequence;
  details.step = describe_step(communicator, blocked);
  return details;
}

}  // namespace rlx::detail
