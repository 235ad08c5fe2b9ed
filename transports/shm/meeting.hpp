#pragma once
// How the ranks find out whether they all can share memory, in three exchanges:
//   1. who and where each rank is (or why it can not share);
//   2. whom each rank could reach;
//   3. whose file each rank has mapped.
// After each everybody knows the same and decides alike.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rlx/rank.hpp"
#include "transports/shm/hand_over.hpp"
#include "transports/shm/shared_file.hpp"
#include "transports/transports.hpp"

namespace rlx::shm {

/// Why some ranks can not share memory; the first cause, equal on all ranks.
struct Refusal {
  std::vector<Rank> ranks;  ///< one or two
  std::string why;          ///< names them
  bool same_host = true;    ///< false: they simply run on several machines
};

/// What the cards alone tell.
[[nodiscard]] std::optional<Refusal> find_refusal(std::span<const Card> cards);
/// What all ranks' verdicts tell, one row of cards.size() for each rank.
[[nodiscard]] std::optional<Refusal> find_refusal(std::span<const Card> cards,
                                                  std::span<const Verdict> verdicts);

struct Meeting {
  std::optional<Refusal> refusal;  ///< then the rest is empty
  std::vector<Card> cards;
  std::vector<Mate> mates;  ///< by rank; mine is empty
  std::unique_ptr<SharedFile> mine;
};

/// Collective over setup.exchange; waits for Config::startup_timeout at most. `room` as of
/// SharedFile.
[[nodiscard]] Meeting meet(const TransportSetup& setup, std::function<std::size_t()> room);

}  // namespace rlx::shm
