#pragma once
// Which ranks share memory: from what they tell of themselves, and from what became of the
// hand-over. Pure functions of what everybody knows, so that everybody comes to the same answer.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "rlx/rank.hpp"
#include "transports/shm/hand_over.hpp"

namespace rlx::shm {

/// Ranks that may be able to share memory, ascending.
using Party = std::vector<Rank>;

/// The ranks of each machine, user, network namespace and pretended node; who can not share at all
/// is a party of one. In the order of their first ranks; everybody is in one.
[[nodiscard]] std::vector<Party> parties_of(std::span<const Card> cards);

/// What the members of all parties found out about each other.
class Verdicts {
 public:
  /// Room for the largest party in each rank's row.
  explicit Verdicts(std::span<const Party> parties);
  [[nodiscard]] std::size_t row_length() const noexcept { return row_; }

  /// Adds what all ranks told, row after row; what is known already stays.
  void add(std::span<const Verdict> rows);
  /// Of one party: a row of members for each member, by their places in it.
  [[nodiscard]] std::vector<Verdict> among(const Party& party) const;

 private:
  std::size_t row_ = 1;
  std::vector<Verdict> rows_;
};

/// Node numbers by rank. Each party is divided, lowest ranks first, into sets in which nobody had
/// trouble with anybody: a rank joins the first that suits.
[[nodiscard]] std::vector<std::uint32_t> nodes_of(std::span<const Party> parties,
                                                  const Verdicts& verdicts);

/// The number that RLX_NODES gives a rank: "0,0,1" names ranks 0, 1 and 2, and begins again with
/// rank 3. Empty text: everybody is 0. Throws CollectiveError(InvalidArgument).
[[nodiscard]] std::uint32_t pretended_node(std::string_view nodes, Rank rank);

}  // namespace rlx::shm
