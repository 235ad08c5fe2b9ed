#include "tools/bench/crossovers.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace rlx::bench {
namespace {

using collectives::Crossover;
using collectives::kNoLimit;

constexpr double kSame = 1.03;
constexpr std::uint64_t kLong = std::uint64_t{8} << 20;
/// Nobody calls with less than one element.
constexpr std::uint64_t kShortest = 8;

bool same_choice(const Candidate& a, const Candidate& b) {
  return a.algorithm == b.algorithm && a.piece_bytes == b.piece_bytes;
}

std::uint64_t halfway(std::uint64_t a, std::uint64_t b) {
  const double mean = std::sqrt(static_cast<double>(a) * static_cast<double>(b));
  return std::clamp(static_cast<std::uint64_t>(mean), a, b - 1);
}

bool is_last_word(std::uint64_t bytes) { return bytes == 0 || bytes >= kLong; }

/// The one before while it is as good as the best.
const TimedCandidate& winner(const MeasuredSize& size, const Candidate* before) {
  const TimedCandidate& best = fastest(size);
  if (before == nullptr) return best;
  const TimedCandidate* kept = nullptr;
  for (const TimedCandidate& one : size.times)
    if (same_choice(one.candidate, *before) && (kept == nullptr || one.us < kept->us)) kept = &one;
  return kept != nullptr && kept->us <= best.us * kSame ? *kept : best;
}

std::optional<double> time_of(const MeasuredSize& size, const Candidate& candidate) {
  const auto found =
      std::ranges::find(size.times, candidate, [](const TimedCandidate& t) { return t.candidate; });
  if (found == size.times.end()) return std::nullopt;
  return found->us;
}

/// Whether a size's winner is faster past the caches; nullopt where it was not timed both ways.
std::optional<bool> gains_by_streaming(const MeasuredSize& size, Candidate chosen) {
  chosen.streams = true;
  const auto past = time_of(size, chosen);
  chosen.streams = false;
  const auto through = time_of(size, chosen);
  if (!past || !through) return std::nullopt;
  return *past < *through;
}

/// From the longest size downwards, as long as it gains.
std::optional<std::uint64_t> stream_from(const std::vector<MeasuredSize>& sizes,
                                         const std::vector<Candidate>& chosen) {
  std::optional<std::uint64_t> from;
  for (std::size_t i = sizes.size(); i-- > 0;) {
    const auto gains = gains_by_streaming(sizes[i], chosen[i]);
    if (!gains) return from;
    if (*gains) {
      from = sizes[i].bytes;
    } else if (from) {
      return halfway(sizes[i].bytes, *from) + 1;
    } else {
      return is_last_word(sizes[i].bytes) ? std::optional(kNoLimit) : std::nullopt;
    }
  }
  return from;
}

}  // namespace

const TimedCandidate& fastest(const MeasuredSize& size) {
  return *std::ranges::min_element(size.times, {}, &TimedCandidate::us);
}

collectives::TuningEntry entry_of(collectives::TuningKey key,
                                  const std::vector<MeasuredSize>& sizes) {
  std::vector<Candidate> chosen;
  for (const MeasuredSize& size : sizes)
    chosen.push_back(winner(size, chosen.empty() ? nullptr : &chosen.back()).candidate);
  collectives::TuningEntry entry{.key = std::move(key)};
  entry.from = sizes.front().bytes <= kShortest ? 0 : sizes.front().bytes;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    if (same_choice(chosen[i], chosen[i + 1])) continue;
    entry.crossovers.push_back(
        {halfway(sizes[i].bytes, sizes[i + 1].bytes), chosen[i].algorithm, chosen[i].piece_bytes});
  }
  const std::uint64_t end = is_last_word(sizes.back().bytes) ? kNoLimit : sizes.back().bytes;
  entry.crossovers.push_back({end, chosen.back().algorithm, chosen.back().piece_bytes});
  entry.stream_from = stream_from(sizes, chosen);
  return entry;
}

}  // namespace rlx::bench
