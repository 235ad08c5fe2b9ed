#pragma once
// The words of `--faulty` and make_faulty.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "rlx/rank.hpp"

namespace rlx {

/// From text such as "delay=1ms,jitter=200us,reorder,busy=0.1,seed=7". Durations are a number with
/// ns, us, ms or s.
struct FaultyOptions {
  /// One peer, and how many operations to it each rank still issues in good order.
  struct PeerLimit {
    Rank rank;
    std::uint64_t operations = 0;
  };

  /// delay=T: latency. An operation issued at t is delivered by the first progress() of its issuer
  /// at or after t + T; operations overlap, however many there are.
  std::chrono::nanoseconds delay{0};
  /// jitter=T: up to T more, at random. Without `reorder` nothing overtakes within a lane.
  std::chrono::nanoseconds jitter{0};
  /// reorder: due operations are delivered in random order and at random polls. Signals of one word
  /// keep their order, and so do the bytes that carry them; nothing else does.
  bool reorder = false;
  /// late: local completion is counted at random some time (up to the delay, at least 100 us) after
  /// the delivery.
  bool late = false;
  /// busy=P: an operation is refused as busy with probability P, 0 <= P < 1.
  double busy = 0;
  /// progress: what arrives becomes visible only when the target polls, and gets are answered only
  /// then, as with a provider that makes no progress of its own. Needs the local transport.
  bool progress = false;
  /// cqdata: a signal travels as 32 bits of completion data (14 bits of word index, part mod 64,
  /// 12 bits of hash), and the target's progress() rebuilds the value on SignalRegion::expected.
  /// Implies `progress`. Needs the local transport.
  bool cqdata = false;
  /// drop=RANK@N: after N operations to that rank all further ones are accepted and vanish: neither
  /// delivered nor completed, no error.
  std::optional<PeerLimit> drop;
  /// fail=RANK@N: after N operations to that rank all further ones fail, and the failure is
  /// PeerFailed naming it.
  std::optional<PeerLimit> fail;
  /// seed=N: of all that is random; each rank mixes its own number in.
  std::uint64_t seed = 1;

  [[nodiscard]] bool uses_mailbox() const { return progress || cqdata; }
};

/// Throws CollectiveError(InvalidArgument) naming the word and listing those there are.
[[nodiscard]] FaultyOptions parse_faulty_options(std::string_view text);

}  // namespace rlx
