#pragma once
// Ranks as processes of their own, so that they can be killed. The test program starts itself again
// for each (fork alone would hand the children a libfabric in use), and the parent is the hub over
// which they exchange.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace rlx::test {

/// What the survivor does after the death of its peer.
enum class Survivor : std::uint8_t { polls, puts, gets };

struct DeathCase {
  std::string name;
  std::string provider;
  Survivor survivor = Survivor::polls;
  bool watches = true;  ///< whether the survivor may ask the kernel
};

/// What the survivor told at the end. Bytes on the wire.
struct DeathReport {
  std::int64_t milliseconds = -1;  ///< from the kill to the failure; -1: it never came
  std::uint8_t peer_failed = 0;    ///< failure() is PeerFailed of rank 1
  char message[256] = {};
  std::int32_t crash = 0;  ///< the signal that ended the survivor, which then told nothing
};

/// The parent's side: starts two ranks, kills rank 1 when both are connected, and collects the
/// report of rank 0. `victim` receives the pid that was killed.
[[nodiscard]] DeathReport run_death(const DeathCase& how, pid_t& victim);

/// The child's side, if these are the arguments of one: runs it and returns true.
[[nodiscard]] bool run_rank_process(int argc, char** argv);

}  // namespace rlx::test
