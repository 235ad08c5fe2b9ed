#include "tools/bench/pattern.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "tools/bench/with_element.hpp"

namespace rlx::bench {
namespace {

constexpr std::int64_t kLargest = 15;  // of a contribution, where the dtype has room

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t x = (a + 1) * 0x9E3779B97F4A7C15ULL ^ (b + 1) * 0xC2B2AE3D27D4EB4FULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// The integers up to here are all exact. Integer types wrap, which is exact too.
std::int64_t exact_integers(DType dtype) {
  switch (dtype) {
    case DType::f8e5m2:
      return std::int64_t{1} << 3;
    case DType::f8e4m3:
      return std::int64_t{1} << 4;
    case DType::bf16:
      return std::int64_t{1} << 8;
    case DType::f16:
      return std::int64_t{1} << 11;
    case DType::f32:
      return std::int64_t{1} << 24;
    default:
      return std::int64_t{1} << 53;
  }
}

bool has_negatives(DType dtype) { return is_floating(dtype) || is_signed(dtype); }

/// Uniform in [-bound, bound], or [0, bound] for unsigned types.
std::int64_t spread(DType dtype, std::uint64_t bits, std::int64_t bound) {
  const std::int64_t low = has_negatives(dtype) ? -bound : 0;
  const auto width = static_cast<std::uint64_t>(bound - low + 1);
  return low + static_cast<std::int64_t>((bits >> 8) % width);
}

std::int64_t sum_term(DType dtype, std::size_t ranks, Rank rank, std::size_t slot) {
  const auto p = static_cast<std::int64_t>(ranks);
  const std::int64_t exact = exact_integers(dtype);
  // More ranks than exact integers: only every n-th rank contributes to a slot.
  const std::int64_t every = (p + exact - 1) / exact;
  if ((rank.index() + slot) % static_cast<std::size_t>(every) != 0) return 0;
  const std::int64_t bound = std::clamp(exact / p, std::int64_t{1}, kLargest);
  return spread(dtype, mix(rank.value(), slot), bound);
}

/// Pairs of ranks differ from the mean by +d and -d, so the sum divides evenly. Bounds keep the sum
/// over any subset of the ranks exact.
std::int64_t mean_term(DType dtype, std::size_t ranks, Rank rank, std::size_t slot) {
  const auto p = static_cast<std::int64_t>(ranks);
  const std::int64_t exact = exact_integers(dtype);
  const std::int64_t bound = std::clamp(exact / (2 * p), std::int64_t{0}, kLargest / 2);
  const std::int64_t mean = spread(dtype, mix(~std::uint64_t{0}, slot), bound);
  const std::size_t pair = rank.index() / 2;
  const std::int64_t every = (p + exact - 1) / exact;
  const bool deviates =
      (rank.index() ^ 1U) < ranks && (pair + slot) % static_cast<std::size_t>(every) == 0;
  if (!deviates) return mean;
  const std::int64_t room = std::clamp(exact / p, std::int64_t{1}, kLargest / 2);
  const std::int64_t deviation =
      spread(dtype, mix(pair, slot), has_negatives(dtype) ? room : std::min(room, mean));
  return rank.value() % 2 == 0 ? mean + deviation : mean - deviation;
}

double product_term(DType dtype, std::size_t ranks, Rank rank, std::size_t slot) {
  const std::uint64_t bits = mix(rank.value(), slot);
  const double sign = has_negatives(dtype) && (bits & 1U) != 0 ? -1.0 : 1.0;
  if (!is_floating(dtype)) return sign * static_cast<double>(2 * ((bits >> 8) % 8) + 1);
  // At most six ranks contribute something other than 1: no partial product leaves the normal
  // numbers of the narrowest type.
  constexpr std::size_t kFactors = 6;
  if ((rank.index() + slot) % ranks >= kFactors) return sign;
  constexpr double kPowers[] = {0.5, 1.0, 2.0};
  return sign * kPowers[(bits >> 8) % 3];
}

template <Element T>
T element_from(double value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<std::int64_t>(value));
  } else if constexpr (std::is_same_v<T, double>) {
    return value;
  } else {
    return T(static_cast<float>(value));
  }
}

/// Integers reduce modulo 2^64 and are cut to the type; doubles hold every floating case exactly.
template <Element T>
using Wide = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;

template <Element T>
Wide<T> widen(double value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
  } else {
    return value;
  }
}

template <Element T>
T finish(Wide<T> value, ReduceKind kind, std::size_t ranks) {
  if constexpr (std::is_integral_v<T>) {
    if (kind != ReduceKind::Mean) return static_cast<T>(value);
    if constexpr (std::is_signed_v<T>) {
      return static_cast<T>(static_cast<std::int64_t>(static_cast<T>(value)) /
                            static_cast<std::int64_t>(ranks));
    } else {
      return static_cast<T>(static_cast<T>(value) / std::uint64_t{ranks});
    }
  } else {
    return element_from<T>(kind == ReduceKind::Mean ? value / static_cast<double>(ranks) : value);
  }
}

template <Element T>
Wide<T> fold(ReduceKind kind, Wide<T> a, Wide<T> b) {
  if constexpr (std::is_integral_v<T>) {
    if (kind == ReduceKind::And) return a & b;
    if (kind == ReduceKind::Or) return a | b;
    if (kind == ReduceKind::Xor) return a ^ b;
  }
  return kind == ReduceKind::Product ? a * b : a + b;
}

template <Element T>
T reduce_slot(DType dtype, ReduceKind kind, std::size_t ranks, std::size_t slot) {
  double extreme = contribution(dtype, kind, ranks, Rank(0), slot);
  Wide<T> total = widen<T>(extreme);
  for (std::size_t r = 1; r < ranks; ++r) {
    const double term = contribution(dtype, kind, ranks, Rank(static_cast<std::uint32_t>(r)), slot);
    extreme = kind == ReduceKind::Max ? std::max(extreme, term) : std::min(extreme, term);
    total = fold<T>(kind, total, widen<T>(term));
  }
  if (kind == ReduceKind::Max || kind == ReduceKind::Min) return element_from<T>(extreme);
  return finish<T>(total, kind, ranks);
}

template <Element T>
std::uint64_t raw(T value) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, &value, sizeof(T));
  return bytes;
}

template <Element T>
std::array<T, kPatternSlots> typed(const std::array<std::uint64_t, kPatternSlots>& table) {
  std::array<T, kPatternSlots> values;
  for (std::size_t k = 0; k < kPatternSlots; ++k)
    std::memcpy(static_cast<void*>(&values[k]), &table[k], sizeof(T));
  return values;
}

template <Element T>
std::uint64_t differing(Elements<const std::byte> from,
                        const std::array<std::uint64_t, kPatternSlots>& table, std::uint64_t seed) {
  const auto expected = typed<T>(table);
  const T* data = reinterpret_cast<const T*>(from.data);
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < from.count; ++i) {
    wrong += data[i] == expected[pattern_slot(from.first + i, seed)] ? 0 : 1;
  }
  return wrong;
}

}  // namespace

double contribution(DType dtype, std::optional<ReduceKind> kind, std::size_t ranks, Rank rank,
                    std::size_t slot) {
  if (!kind) return static_cast<double>(spread(dtype, mix(rank.value(), slot), kLargest));
  switch (*kind) {
    case ReduceKind::Sum:
      return static_cast<double>(sum_term(dtype, ranks, rank, slot));
    case ReduceKind::Mean:
      return static_cast<double>(mean_term(dtype, ranks, rank, slot));
    case ReduceKind::Product:
      return product_term(dtype, ranks, rank, slot);
    case ReduceKind::Max:
    case ReduceKind::Min:
    case ReduceKind::And:
    case ReduceKind::Or:
    case ReduceKind::Xor:
      break;
  }
  return static_cast<double>(spread(dtype, mix(rank.value(), slot), 100));
}

Pattern::Pattern(DType dtype, std::optional<ReduceKind> kind, std::size_t ranks)
    : dtype_(dtype), kind_(kind), ranks_(ranks) {
  if (kind_) expected_ = reduce_all();
}

Pattern::Table Pattern::contributions_of(Rank rank) const {
  return with_element(dtype_, [&]<Element T>(std::type_identity<T>) {
    Table table{};
    for (std::size_t k = 0; k < kPatternSlots; ++k) {
      table[k] = raw(element_from<T>(contribution(dtype_, kind_, ranks_, rank, k)));
    }
    return table;
  });
}

Pattern::Table Pattern::reduce_all() const {
  return with_element(dtype_, [&]<Element T>(std::type_identity<T>) {
    Table table{};
    for (std::size_t k = 0; k < kPatternSlots; ++k) {
      table[k] = raw(reduce_slot<T>(dtype_, *kind_, ranks_, k));
    }
    return table;
  });
}

void Pattern::fill(Elements<std::byte> to, Rank rank, std::uint64_t seed) const {
  const Table table = contributions_of(rank);
  with_element(dtype_, [&]<Element T>(std::type_identity<T>) {
    const auto values = typed<T>(table);
    T* data = reinterpret_cast<T*>(to.data);
    for (std::size_t i = 0; i < to.count; ++i) data[i] = values[pattern_slot(to.first + i, seed)];
  });
}

std::uint64_t Pattern::count_wrong(Elements<const std::byte> from, std::uint64_t seed) const {
  return with_element(dtype_, [&]<Element T>(std::type_identity<T>) {
    return differing<T>(from, expected_, seed);
  });
}

std::uint64_t Pattern::count_wrong(Elements<const std::byte> from, Rank rank,
                                   std::uint64_t seed) const {
  const Table table = contributions_of(rank);
  return with_element(
      dtype_, [&]<Element T>(std::type_identity<T>) { return differing<T>(from, table, seed); });
}

}  // namespace rlx::bench
