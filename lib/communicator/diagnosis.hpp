#pragma once
// Words for what went wrong.

#include <string>

#include "lib/communicator/communicator_state.hpp"

namespace rlx::detail {

/// "wait for part 3 of word 0 from rank 2 (epoch 17, ring)"
[[nodiscard]] std::string describe_step(const CommunicatorState& communicator,
                                        const Blocked& blocked);
/// "all_reduce of 1000 f32, sum, in place, heap memory (call 12)"
[[nodiscard]] std::string describe_call(const CallDescriptor& call);
/// "all_reduce", or "allocate" and so on for rlx's own calls.
[[nodiscard]] std::string operation_name(const CallState& call);
/// Operation, sequence, step and the two ranks; kind and message are the caller's.
[[nodiscard]] ErrorDetails details_of(const CommunicatorState& communicator, const Blocked& blocked,
                                      ErrorKind kind, std::string message);

}  // namespace rlx::detail
