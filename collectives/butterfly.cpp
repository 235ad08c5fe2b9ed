#include "collectives/butterfly.hpp"

#include <algorithm>
#include <bit>

namespace rlx::collectives {

namespace {

std::uint64_t power(std::uint64_t base, std::uint32_t exponent) {
  std::uint64_t result = 1;
  for (std::uint32_t i = 0; i < exponent; ++i) result *= base;
  return result;
}

std::uint32_t messages_of(const std::vector<std::uint32_t>& radices) {
  std::uint32_t messages = 0;
  for (const std::uint32_t radix : radices) messages += radix - 1;
  return messages;
}

// Products of factors 2 to `most`, each set of factors once, in ascending order. Among those of
// `ranks`, or else those from half of it, keeps the one with the fewest rounds and messages.
class Factors {
 public:
  Factors(std::uint32_t ranks, std::uint32_t most) : ranks_(ranks), most_(most) { extend(1, 2); }

  std::uint64_t product() const { return product_; }
  std::vector<std::uint32_t> take() { return std::move(best_); }

 private:
  bool is_better(std::uint64_t product) const {
    if (product_ == 0) return true;
    if ((product == ranks_) != (product_ == ranks_)) return product == ranks_;
    if (factors_.size() != best_.size()) return factors_.size() < best_.size();
    return messages_of(factors_) < messages_of(best_);
  }

  void extend(std::uint64_t product, std::uint32_t least) {
    if (2 * product >= ranks_ && is_better(product)) {
      best_ = factors_;
      product_ = product;
    }
    for (std::uint32_t factor = least; factor <= most_ && product * factor <= ranks_; ++factor) {
      factors_.push_back(factor);
      extend(product * factor, factor);
      factors_.pop_back();
    }
  }

  std::uint32_t ranks_;
  std::uint32_t most_;
  std::uint64_t product_ = 0;
  std::vector<std::uint32_t> factors_;
  std::vector<std::uint32_t> best_;
};

}  // namespace

Circulant Circulant::balanced(std::uint32_t ranks, std::uint32_t radix) {
  std::uint32_t rounds = 0;
  while (power(radix, rounds) < ranks) ++rounds;
  std::uint32_t factor = 2;
  while (power(factor, rounds) < ranks) ++factor;
  std::vector<std::uint32_t> distances{ranks};
  while (distances.back() > 1) distances.push_back((distances.back() + factor - 1) / factor);
  return Circulant(std::move(distances));
}

Circulant Circulant::doubling(std::uint32_t ranks) {
  std::vector<std::uint32_t> distances{ranks};
  while (distances.back() > 1) distances.push_back(std::bit_ceil(distances.back()) / 2);
  return Circulant(std::move(distances));
}

std::uint32_t Circulant::blocks(std::uint32_t round, std::uint32_t partner) const {
  return std::min(distance(round), distance(round - 1) - partner * distance(round));
}

std::uint32_t Circulant::messages() const {
  std::uint32_t messages = 0;
  for (std::uint32_t round = 1; round <= rounds(); ++round) messages += partners(round);
  return messages;
}

std::uint32_t Circulant::longest_path() const {
  std::uint32_t path = 0;
  for (std::uint32_t round = 1; round <= rounds(); ++round) path += blocks(round, 1);
  return path;
}

Word Circulant::word(std::uint32_t round, std::uint32_t partner) const {
  std::uint32_t before = 0;
  for (std::uint32_t earlier = 1; earlier < round; ++earlier) before += partners(earlier);
  return static_cast<Word>(before + partner - 1);
}

Partner Circulant::reducing(const Builder& b, std::uint32_t round, std::uint32_t partner,
                            Word first_word) const {
  const std::uint32_t away = partner * distance(round);
  return {b.plus(away), b.minus(away), static_cast<Word>(first_word + word(round, partner))};
}

Partner Circulant::gathering(const Builder& b, std::uint32_t round, std::uint32_t partner,
                             Word first_word) const {
  const Partner reversed = reducing(b, round, partner, first_word);
  return {reversed.from, reversed.to, reversed.word};
}

Digits::Digits(std::uint32_t ranks, std::uint32_t most) {
  Factors factors(ranks, most);
  folded_ = ranks - static_cast<std::uint32_t>(factors.product());
  radices_ = factors.take();
}

std::uint32_t Digits::messages() const { return messages_of(radices_); }

std::uint32_t Digits::stride(std::uint32_t round) const {
  std::uint32_t stride = 1;
  for (std::uint32_t earlier = 0; earlier < round; ++earlier) stride *= radices_[earlier];
  return stride;
}

std::uint32_t Digits::digit(std::uint32_t rank, std::uint32_t round) const {
  return number_of(rank) / stride(round) % radices_[round];
}

Partner Digits::partner(std::uint32_t rank, std::uint32_t round, std::uint32_t distance) const {
  const std::uint32_t radix = radices_[round];
  const std::uint32_t mine = digit(rank, round);
  const std::uint32_t zero = number_of(rank) - mine * stride(round);  // the one with digit 0
  const std::uint32_t after = (mine + distance) % radix;
  const std::uint32_t before = (mine + radix - distance) % radix;
  std::uint32_t word = distance - 1;
  for (std::uint32_t earlier = 0; earlier < round; ++earlier) word += radices_[earlier] - 1;
  return {rank_of(zero + after * stride(round)), rank_of(zero + before * stride(round)),
          static_cast<Word>(word)};
}

}  // namespace rlx::collectives
