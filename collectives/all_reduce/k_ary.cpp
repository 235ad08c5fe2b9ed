// k-ary recursive exchange ("recursive multiplying"; with k = 2 recursive doubling).
//
//   Ranks are numbered in a mixed radix. In round i those that differ in digit i alone, k of them,
//   put their sums into each other's scratch, and each adds the k up in the order of the digit.
//
// Rounds and bytes: log_k p rounds of k - 1 messages, n bytes each: 1 round for up to 8 ranks, 2
// for up to 64. Best for short vectors, where rounds cost more than bytes: doubling (radices 2 and
// 3) where messages cost as much as rounds, k_ary (2 to 8) where a rank can send several at once;
// the
// *_line forms up to 56 bytes, which travel in the lines of their signals.
// Where p is not a product of such radices, as many ranks as are too many hand their vector to
// the rank before them and get the result back from it: 2 rounds more (Thakur, Rabenseifner and
// Gropp, "Optimization of collective communication operations in MPICH", 2005, who fold to a power
// of two; Ruefenacht, Bull and Booth, "Generalisation of recursive doubling for AllReduce", 2017,
// for the radices).
//
// Sums in rank order, and the same on every rank: digits are taken from the lowest upwards, so
// ranks that put their sums together have sums of neighbouring ranks, and whoever has the same
// digits above has added up the same in the same order.
//
// No barrier: only scratch and lines are put into, so no ARRIVE and no EXIT (rule 3). Every
// scratch chunk and line is written once: a round's by the partners, the sum that a round puts
// by this rank (chunk i before round i; a copy of the input at first, because in place the result
// overwrites the input while that may still be on its way). The set's next epoch finds them free
// because a result holds every rank's contribution (all-dependent, rule 5).

#include "collectives/all_reduce/k_ary.hpp"

#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_reduce {

namespace {

constexpr std::uint32_t kDoublingRadix = 3;  // 3 where p has that factor

std::uint32_t scratch_of(const Digits& digits, Carrier carrier) {
  const std::uint32_t arrivals = digits.messages() + (digits.folded() > 0 ? 1 : 0);
  return digits.rounds() + (carrier == Carrier::scratch ? arrivals : 0);
}

// One rank's part.
class Exchange {
 public:
  Exchange(Builder& b, const Digits& digits, Carrier carrier)
      : b_(b), digits_(digits), carrier_(carrier), folding_(static_cast<Word>(digits.messages())) {}

  void run() {
    if (digits_.is_folded(b_.me())) return hand_in();
    take_in();
    for (std::uint32_t round = 0; round < digits_.rounds(); ++round) exchange(round);
    if (digits_.has_folded(b_.me())) put(b_.right(), b_.output(0), folding_);
  }

 private:
  // Where what a word signals has arrived.
  Ref arrived(Word word) const {
    return carrier_ == Carrier::line ? b_.line(word) : b_.scratch(digits_.rounds() + word);
  }

  void put(std::uint32_t peer, Ref from, Word word) { b_.put(peer, arrived(word), from, word); }

  // A folded rank.
  void hand_in() {
    put(b_.left(), b_.input(0), folding_);
    b_.wait(folding_, b_.left());
    b_.copy(b_.output(0), arrived(folding_));
  }

  // What the first round puts: my input, with that of the rank that hands in to me.
  void take_in() {
    if (!digits_.has_folded(b_.me())) return b_.copy(b_.scratch(0), b_.input(0));
    b_.wait(folding_, b_.right());
    b_.reduce({b_.scratch(0)}, {b_.input(0), arrived(folding_)});
  }

  void exchange(std::uint32_t round) {
    const Ref sum = b_.scratch(round);
    const std::uint32_t radix = digits_.radix(round);
    for (std::uint32_t distance = 1; distance < radix; ++distance) {
      const Partner partner = digits_.partner(b_.me(), round, distance);
      put(partner.to, sum, partner.word);
    }
    std::vector<Ref> sums(radix, sum);
    const std::uint32_t mine = digits_.digit(b_.me(), round);
    for (std::uint32_t distance = 1; distance < radix; ++distance) {
      const Partner partner = digits_.partner(b_.me(), round, distance);
      b_.wait(partner.word, partner.from);
      sums[(mine + radix - distance) % radix] = arrived(partner.word);
    }
    const bool last = round + 1 == digits_.rounds();
    b_.reduce(last ? b_.output(0) : b_.scratch(round + 1), sums,
              last ? Finalise::yes : Finalise::no);
  }

  Builder& b_;
  const Digits& digits_;
  Carrier carrier_;
  Word folding_;  // between a folded rank and the one before it, either way
};

bool has_words(std::uint32_t ranks, std::uint32_t radix) {
  constexpr std::uint32_t kMostRanks = 1 << 20;
  return ranks <= kMostRanks && Digits(ranks, radix).messages() < kWordsPerSet;
}

}  // namespace

Schedule exchange_recursively(const Group& group, std::uint32_t radix, Carrier carrier) {
  const Digits digits(group.size, radix);
  Builder b(Collective::all_reduce, group, 1, scratch_of(digits, carrier));
  if (group.size == 1) {
    b.copy(b.output(0), b.input(0), Finalise::yes);
    return b.finish();
  }
  Exchange(b, digits, carrier).run();
  return b.finish();
}

// The busiest rank is one that is handed a vector, if there is one.
Cost recursive_exchange_cost(std::uint32_t ranks, std::uint32_t radix, Carrier carrier) {
  const Digits digits(ranks, radix);
  const std::uint32_t folds = digits.folded() > 0 ? 1 : 0;
  const std::uint32_t rounds = digits.rounds() + 2 * folds;
  const std::uint32_t messages = digits.messages() + folds;
  return {.rounds = rounds,
          .sent_chunks = messages,
          .path_chunks = rounds,
          .reduced_chunks = messages,
          .chunks = 1,
          .messages = messages,
          .copied_chunks = 1,
          .scratch_chunks = scratch_of(digits, carrier),
          .most_bytes = carrier == Carrier::line ? kLinePayload : 0};
}

namespace doubling {
Schedule generate(const Group& group) {
  return exchange_recursively(group, kDoublingRadix, Carrier::scratch);
}
Cost cost(std::uint32_t ranks) {
  return recursive_exchange_cost(ranks, kDoublingRadix, Carrier::scratch);
}
bool supports(std::uint32_t ranks) { return has_words(ranks, kDoublingRadix); }
}  // namespace doubling

namespace doubling_line {
Schedule generate(const Group& group) {
  return exchange_recursively(group, kDoublingRadix, Carrier::line);
}
Cost cost(std::uint32_t ranks) {
  return recursive_exchange_cost(ranks, kDoublingRadix, Carrier::line);
}
bool supports(std::uint32_t ranks) { return has_words(ranks, kDoublingRadix); }
}  // namespace doubling_line

namespace k_ary {
Schedule generate(const Group& group) {
  return exchange_recursively(group, kWideRadix, Carrier::scratch);
}
Cost cost(std::uint32_t ranks) {
  return recursive_exchange_cost(ranks, kWideRadix, Carrier::scratch);
}
bool supports(std::uint32_t ranks) { return has_words(ranks, kWideRadix); }
}  // namespace k_ary

namespace k_ary_line {
Schedule generate(const Group& group) {
  return exchange_recursively(group, kWideRadix, Carrier::line);
}
Cost cost(std::uint32_t ranks) { return recursive_exchange_cost(ranks, kWideRadix, Carrier::line); }
bool supports(std::uint32_t ranks) { return has_words(ranks, kWideRadix); }
}  // namespace k_ary_line

}  // namespace rlx::collectives::all_reduce
