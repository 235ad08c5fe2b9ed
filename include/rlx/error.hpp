#pragma once
// The one exception type of rlx. It names what failed, which ranks are involved, which call it was
// and what to do about it. Thrown only by public calls, never from a running collective's hot path.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "rlx/rank.hpp"

namespace rlx {

/// What kind of failure it is. The first group is recoverable (nothing was sent, no epoch was
/// assigned); the second group is final for the Context: every later call rethrows the first cause.
enum class ErrorKind : std::uint8_t {
  // recoverable: the caller's arguments or this machine's set-up
  InvalidArgument,  ///< an argument that no communicator could accept
  OutOfBounds,      ///< a range outside the memory that it names
  LengthMismatch,   ///< lengths of one call that do not fit each other
  UnknownRank,      ///< a rank that the communicator does not have
  Unsupported,      ///< an operation that the dtype, device or transport does not offer
  OutOfMemory,      ///< the heap or the machine has no room; names the knob
  Launch,           ///< bootstrap: launcher mismatch, unreachable rendezvous, start-up deadline
  WireVersion,      ///< ranks run different wire versions of rlx
  Closed,           ///< the object was closed before
  // final for the Context
  Mismatch,    ///< two ranks called different things; names both argument sets
  PeerFailed,  ///< a peer died, left or reported a failure
  Timeout,     ///< a peer did not arrive or made no progress in time
  Transport,   ///< the fabric failed; carries the provider's own words
  Device,      ///< a rank's device was lost or refuses to work; carries its driver's words
  Internal     ///< a broken invariant of rlx itself
};

/// "Mismatch", "PeerFailed", ...
[[nodiscard]] std::string_view to_string(ErrorKind kind);

/// Everything that an error knows. Empty or zero where it does not apply.
struct ErrorDetails {
  ErrorKind kind = ErrorKind::Internal;
  std::vector<Rank> ranks;     ///< the ranks concerned, in the communicator's numbering
  std::string operation;       ///< "all_reduce", "allocate", ...
  std::uint64_t sequence = 0;  ///< the communicator's call number, from 1; 0: of no call
  std::string step;            ///< the schedule step that was waiting or failed, readable
  std::string message;         ///< what happened, the values, the provider's words, what to do
};

class CollectiveError : public std::runtime_error {
 public:
  using Kind = ErrorKind;

  explicit CollectiveError(ErrorDetails details);
  CollectiveError(ErrorKind kind, std::string operation, std::string message,
                  std::vector<Rank> ranks = {});

  [[nodiscard]] ErrorKind kind() const noexcept { return details_.kind; }
  [[nodiscard]] const std::vector<Rank>& ranks() const noexcept { return details_.ranks; }
  [[nodiscard]] const std::string& operation() const noexcept { return details_.operation; }
  [[nodiscard]] std::uint64_t sequence() const noexcept { return details_.sequence; }
  [[nodiscard]] const std::string& step() const noexcept { return details_.step; }
  [[nodiscard]] const ErrorDetails& details() const noexcept { return details_; }

 private:
  ErrorDetails details_;
};

/// True for the kinds after which the Context can not be used any more (rule 13).
[[nodiscard]] bool is_final(ErrorKind kind);

}  // namespace rlx
