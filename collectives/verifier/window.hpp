#pragma once
// Many epochs of one communicator: may a set be used again when the rules say so (rule 5)?
//
// Epochs in flight share nothing but the start condition, so what a step of epoch E knows of an
// earlier epoch e is what the starts of E, of those ranks that it knows to have started, knew of e.
// A start knows the completions that it waited for. That is the whole happens-before relation
// between epochs, and it is worked out here exactly, from the facts of single epochs.

#include <span>
#include <vector>

#include "collectives/verifier/facts.hpp"

namespace rlx::collectives::verifier {

/// When an epoch may start. `counted` is the mistake that rule 5 forbids: as long as fewer than W
/// are in flight, however old the oldest is.
enum class StartRule : std::uint8_t { windowed, counted };

struct WindowRule {
  std::uint32_t window = 1;  ///< W
  std::uint32_t depth = 2;   ///< D: epoch e uses set e mod D
  StartRule start = StartRule::windowed;
};

/// Epochs in the order in which they are assigned.
using Sequence = std::vector<const EpochFacts*>;

/// Finds every region of a set that an epoch may touch before an older epoch of the same set is
/// done with it. Under `counted`, any one epoch may be the one that lags behind.
[[nodiscard]] Findings check_window(const Sequence& sequence, const WindowRule& rule);

/// Rule 5's guard: a barrier epoch before each epoch that is not all-dependent and has only such
/// epochs among the D - 2W before it. A function of the sequence of kinds alone.
[[nodiscard]] Sequence guarded(const Sequence& sequence, const WindowRule& rule,
                               const EpochFacts& barrier);

}  // namespace rlx::collectives::verifier
