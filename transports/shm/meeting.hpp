#pragma once
// How the ranks find out who can share memory with whom, in at most three exchanges:
//   1. who and where each rank is (or why it can not share);
//   2. whom each rank could reach;
//   3. whose file each rank has mapped.
// After each everybody knows the same and decides alike. Nothing is handed over, and two exchanges
// are saved, where no two ranks have anything in common.
//
// A node is a set of ranks each of which has mapped all the others' memory: whoever fails with one
// of them is on a node of its own, wherever it runs.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rlx/rank.hpp"
#include "transports/shm/hand_over.hpp"
#include "transports/shm/parties.hpp"
#include "transports/shm/shared_file.hpp"
#include "transports/transports.hpp"

namespace rlx::shm {

/// Why some ranks can not share memory; the first cause, equal on all ranks.
struct Refusal {
  std::vector<Rank> ranks;  ///< one or two
  std::string why;          ///< names them
};

/// What the cards alone tell.
[[nodiscard]] std::optional<Refusal> find_refusal(std::span<const Card> cards);
/// What all ranks' verdicts tell, one row of cards.size() for each card.
[[nodiscard]] std::optional<Refusal> find_refusal(std::span<const Card> cards,
                                                  std::span<const Verdict> verdicts);

struct Meeting {
  std::vector<Card> cards;              ///< by rank
  std::vector<std::uint32_t> node_of;   ///< by rank: numbers from 0, in the order of first ranks
  std::optional<Refusal> refusal;       ///< why all are not one node
  std::optional<Refusal> refusal_here;  ///< why the ranks of my machine are not one node
  bool speaks = false;                  ///< the lowest rank of its machine: writes the log line
  std::vector<Mate> mates;              ///< by rank; empty but for those of my node
  std::unique_ptr<SharedFile> mine;     ///< none where this system gives none

  [[nodiscard]] std::size_t nodes() const;
  /// How many ranks are on a rank's node, itself among them.
  [[nodiscard]] std::size_t ranks_with(Rank rank) const;
};

/// Collective over setup.exchange; waits for Config::startup_timeout at most. `room` as of
/// SharedFile. Throws CollectiveError(InvalidArgument) on all ranks for a wrong Config::nodes.
[[nodiscard]] Meeting meet(const TransportSetup& setup, std::function<std::size_t()> room);

}  // namespace rlx::shm
