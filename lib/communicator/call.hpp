#pragma once
// One collective call: what was asked, how it was prepared, how far it is.

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "lib/communicator/attached_memory.hpp"
#include "lib/communicator/plan_cache.hpp"
#include "lib/communicator/repeated_call.hpp"
#include "rlx/collectives.hpp"

namespace rlx::detail {

class CommunicatorState;

/// Who makes a call: the user, or rlx for one of its own collective operations. Part of the
/// descriptor, so that an allocate against an all_reduce is a mismatch that reads as one.
enum class CallPurpose : std::uint8_t { user, allocate, split, duplicate, close, wire };
[[nodiscard]] const char* to_string(CallPurpose purpose);

class CallState {
 public:
  CallArguments arguments;
  CallPurpose purpose = CallPurpose::user;
  std::shared_ptr<const PreparedCall> prepared;  // outlives its eviction from the cache
  std::shared_ptr<CommunicatorState> communicator;
  std::vector<std::byte> input_aside;   ///< a copy of the input where it overlaps the output
  std::vector<std::byte> output_aside;  ///< receives the output where it overlaps the input
  Attached input_attached;
  Attached output_attached;

  std::uint64_t id = 0;           ///< order of assignment within the Context
  std::uint64_t sequence = 0;     ///< the user's call number
  std::uint64_t call_number = 0;  ///< the engine's: counts internal calls too
  std::uint64_t first_epoch = 0;
  std::uint32_t epochs = 0;  ///< pieces and guard barriers
  std::uint32_t started = 0;
  std::uint32_t finished = 0;
  std::uint32_t hash = 0;
  std::vector<std::uint32_t> guards;  ///< which of its epochs are guard barriers (rule 5), sorted
  bool held = false;                  ///< assigned, but a stream has not reached it
  std::atomic<bool> done{false};
};

/// Copies input or output aside where they overlap in a way that the algorithm does not bear.
void prepare_memory(CallState& call, const CommunicatorState& communicator);

/// A plan: the call it repeats, and the run in flight.
class PlanState {
 public:
  std::shared_ptr<CommunicatorState> communicator;
  RepeatedCall call;
  std::shared_ptr<CallState> running;
  bool overlaps = false;  ///< input and output share memory, or may: a copy may be needed
};

}  // namespace rlx::detail
