#include "collectives/verifier/value.hpp"

#include <fmt/format.h>

namespace rlx::collectives::verifier {

namespace {

// splitmix64: every bit of the result depends on every bit of the argument.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

std::uint64_t key(std::uint32_t rank, std::uint32_t chunk) {
  return (std::uint64_t{rank} << 32) | chunk;
}

bool holds(const Value& value, std::uint32_t rank) {
  return ((rank < 64 ? value.low >> rank : value.high >> (rank - 64)) & 1) != 0;
}

std::string twice(const Value& a, const Value& b, std::uint32_t ranks) {
  for (std::uint32_t rank = 0; rank < ranks; ++rank)
    if (holds(a, rank) && holds(b, rank))
      return fmt::format("rank {}'s contribution to chunk {} is added twice", rank, a.chunk);
  return {};
}

}  // namespace

Value contribution(std::uint32_t ranks, std::uint32_t rank, std::uint32_t chunk) {
  Value value{Value::Kind::data, false, chunk, 1, 0, 0, mix(key(rank, chunk))};
  if (ranks > kExactRanks) {
    value.low = mix(~key(rank, chunk));
    value.high = mix(value.low + 1);
  } else if (rank < 64) {
    value.low = std::uint64_t{1} << rank;
  } else {
    value.high = std::uint64_t{1} << (rank - 64);
  }
  return value;
}

Value arrival(std::uint32_t rank) { return {.kind = Value::Kind::arrival, .chunk = rank}; }

std::optional<std::string> combine(std::uint32_t ranks, Value& sum, const Value& other) {
  if (sum.kind != Value::Kind::data || other.kind != Value::Kind::data)
    return "a source holds no data";
  if (sum.finalised || other.finalised) return "a source is final already";
  if (sum.chunk != other.chunk)
    return fmt::format("chunk {} is added to chunk {}", other.chunk, sum.chunk);
  if (ranks <= kExactRanks && ((sum.low & other.low) | (sum.high & other.high)) != 0)
    return twice(sum, other, ranks);
  sum.low ^= other.low;
  sum.high ^= other.high;
  sum.count += other.count;
  sum.tree = mix(mix(sum.tree) ^ other.tree);
  return std::nullopt;
}

Value total(std::uint32_t ranks, std::uint32_t chunk) {
  Value sum = contribution(ranks, 0, chunk);
  for (std::uint32_t rank = 1; rank < ranks; ++rank)
    static_cast<void>(combine(ranks, sum, contribution(ranks, rank, chunk)));
  return sum;
}

bool same_data(const Value& a, const Value& b) {
  return a.kind == b.kind && a.chunk == b.chunk && a.count == b.count && a.low == b.low &&
         a.high == b.high;
}

std::string describe(std::uint32_t ranks, const Value& value) {
  if (value.kind == Value::Kind::undefined) return "nothing";
  if (value.kind == Value::Kind::arrival) return fmt::format("the ARRIVE of rank {}", value.chunk);
  if (ranks > kExactRanks)
    return fmt::format("chunk {} of {} of {} ranks", value.chunk, value.count, ranks);
  std::string list;
  for (std::uint32_t rank = 0; rank < ranks; ++rank)
    if (holds(value, rank)) list += fmt::format("{}{}", list.empty() ? "" : ", ", rank);
  return fmt::format("chunk {} of ranks {}", value.chunk, list);
}

}  // namespace rlx::collectives::verifier
