#pragma once
// Who talks to whom: the graphs of the algorithms that more than one file is made of. In every
// round a rank sends to some partners and hears from as many. For any number of ranks:
//
//   Ring        one partner, the same in every round, some stride further on
//   Circulant   partners lie at multiples of one distance, round the circle; for blocks, which are
//               gathered (or added up) until a rank has all (or only its own) of them
//   Digits      partners differ in one digit of their number in a mixed radix; for whole vectors,
//               because all who share the other digits hold the same sum, added up in rank order
//
// Of the latter two any radix: the more partners in a round, the fewer rounds and the more
// messages.

#include <cstdint>
#include <vector>

#include "collectives/builder.hpp"

namespace rlx::collectives {

/// The largest radix of the algorithms that are made for many partners in a round.
inline constexpr std::uint32_t kWideRadix = 8;

/// One of a round's partners. The word is mine that `from` writes, and that of `to` which I write.
struct Partner {
  std::uint32_t to = 0;
  std::uint32_t from = 0;
  Word word = 0;
};

/// A ring through all ranks, which is one where the stride has no divisor in common with their
/// number, and what is sent round it: as many neighbouring chunks of the vector as there are ranks,
/// with the scratch for them.
struct Ring {
  std::uint32_t stride = 1;
  std::uint32_t first_chunk = 0;
  std::uint32_t first_scratch = 0;

  [[nodiscard]] std::uint32_t right(const Builder& b) const { return b.plus(stride); }
  [[nodiscard]] std::uint32_t left(const Builder& b) const { return b.minus(stride); }
  /// The chunk that belongs to the rank so many hops to the left.
  [[nodiscard]] std::uint32_t chunk(const Builder& b, std::uint32_t hops) const {
    return first_chunk + b.minus(hops * stride);
  }
};

/// Distances p = s0 > s1 > ... > 1. Seen as gathering, a rank that knows the s blocks from its own
/// onwards learns in one round the S - s that follow, from the ranks s, 2s, ... after it; seen as
/// reducing, it goes from S sums to s. Round t, counted from 1, leads from s(t-1) = S to s(t) = s
/// when reducing, and back when gathering.
class Circulant {
 public:
  /// The fewest rounds in which nothing grows by more than a factor of `radix`, and then the fewest
  /// messages: s(t) = ceil(s(t-1) / k) (Traff, arXiv 2410.14234, for k = 2).
  [[nodiscard]] static Circulant balanced(std::uint32_t ranks, std::uint32_t radix);
  /// s(t) = 2^(rounds - t) (Bruck et al., TPDS 1997).
  [[nodiscard]] static Circulant doubling(std::uint32_t ranks);

  [[nodiscard]] std::uint32_t rounds() const {
    return static_cast<std::uint32_t>(distances_.size()) - 1;
  }
  [[nodiscard]] std::uint32_t distance(std::uint32_t round) const { return distances_[round]; }
  /// How many; they are counted from 1.
  [[nodiscard]] std::uint32_t partners(std::uint32_t round) const {
    return (distances_[round - 1] - 1) / distances_[round];
  }
  /// Blocks that travel between a rank and this partner: those from the `partner * distance`-th.
  [[nodiscard]] std::uint32_t blocks(std::uint32_t round, std::uint32_t partner) const;
  /// Of all rounds: messages, which is also how many words they take, and the longest messages.
  [[nodiscard]] std::uint32_t messages() const;
  [[nodiscard]] std::uint32_t longest_path() const;

  /// When reducing, `to` lies after me and `from` before; when gathering, the other way round. The
  /// rounds' words follow each other from `first_word`, in the order of the rounds' numbers.
  [[nodiscard]] Partner reducing(const Builder& b, std::uint32_t round, std::uint32_t partner,
                                 Word first_word = 0) const;
  [[nodiscard]] Partner gathering(const Builder& b, std::uint32_t round, std::uint32_t partner,
                                  Word first_word = 0) const;

 private:
  explicit Circulant(std::vector<std::uint32_t> distances) : distances_(std::move(distances)) {}
  [[nodiscard]] Word word(std::uint32_t round, std::uint32_t partner) const;

  std::vector<std::uint32_t> distances_;
};

/// Numbers in a mixed radix of small factors. Where the number of ranks has others, as many ranks
/// as are too many hand their vector to the rank before them and get the result back from it
/// ("folded"); the others are numbered in rank order.
class Digits {
 public:
  /// Radices of 2 to `most`: of all that multiply to `ranks` those with the fewest rounds, then the
  /// fewest messages; where none do, of those that multiply to less and to at least half of it.
  Digits(std::uint32_t ranks, std::uint32_t most);

  [[nodiscard]] std::uint32_t rounds() const { return static_cast<std::uint32_t>(radices_.size()); }
  [[nodiscard]] std::uint32_t radix(std::uint32_t round) const { return radices_[round]; }
  /// Messages of a rank in all rounds, which is also how many words they take.
  [[nodiscard]] std::uint32_t messages() const;
  /// Ranks that are folded: the odd ones among the first twice as many.
  [[nodiscard]] std::uint32_t folded() const { return folded_; }
  [[nodiscard]] bool is_folded(std::uint32_t rank) const {
    return rank < 2 * folded_ && rank % 2 == 1;
  }
  [[nodiscard]] bool has_folded(std::uint32_t rank) const {
    return rank < 2 * folded_ && rank % 2 == 0;
  }
  /// Partner `distance` (1 to radix - 1) of a rank that is not folded, in a round counted from 0.
  [[nodiscard]] Partner partner(std::uint32_t rank, std::uint32_t round,
                                std::uint32_t distance) const;
  /// My digit in this round: my place among the round's partners, in rank order.
  [[nodiscard]] std::uint32_t digit(std::uint32_t rank, std::uint32_t round) const;

 private:
  [[nodiscard]] std::uint32_t stride(std::uint32_t round) const;
  [[nodiscard]] std::uint32_t number_of(std::uint32_t rank) const {
    return rank < 2 * folded_ ? rank / 2 : rank - folded_;
  }
  [[nodiscard]] std::uint32_t rank_of(std::uint32_t number) const {
    return number < folded_ ? 2 * number : number + folded_;
  }

  std::vector<std::uint32_t> radices_;
  std::uint32_t folded_ = 0;
};

}  // namespace rlx::collectives
