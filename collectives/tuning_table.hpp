#pragma once
// What was measured on a machine: for each kind of call, which algorithm was fastest up to which
// length. rlx-bench --tune makes one; rank 0's is broadcast while wiring; choose() reads it.
//
// Lengths are bytes of the whole vector for all_reduce, and of one rank's block for all_gather and
// reduce_scatter, as TunerInput::count has them.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectives/collective.hpp"

namespace rlx {
struct TransportCapabilities;
}

namespace rlx::collectives {

/// No end, where a length is a limit; never, where something starts from a length.
inline constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
/// The topology of ranks whose memory is mapped everywhere, as processes or as threads.
inline constexpr std::string_view kMappedTopology = "mapped";

/// "mapped", or transport and provider: "ofi:tcp;ofi_rxm".
[[nodiscard]] std::string topology_of(const TransportCapabilities& capabilities, bool load_store);

enum class MemoryKind : std::uint8_t { heap, private_memory };
/// "heap", "private".
[[nodiscard]] std::string_view to_string(MemoryKind kind);

/// Which calls an entry is about. A barrier has heap memory out of place.
struct TuningKey {
  Collective collective = Collective::all_reduce;
  std::uint32_t ranks = 1;
  std::string topology;
  MemoryKind input = MemoryKind::heap;
  MemoryKind output = MemoryKind::heap;
  bool in_place = false;

  friend auto operator<=>(const TuningKey&, const TuningKey&) = default;
};
/// "all_reduce, 2 ranks, mapped, heap, out of place".
[[nodiscard]] std::string to_string(const TuningKey& key);

/// What is best for lengths that no earlier one of its entry covers.
struct Crossover {
  std::uint64_t up_to = kNoLimit;  ///< bytes, inclusive
  std::string algorithm;
  std::uint64_t piece_bytes = 0;  ///< of what `up_to` counts; 0: as the cost model cuts

  friend bool operator==(const Crossover&, const Crossover&) = default;
};

struct TuningEntry {
  TuningKey key;
  std::uint64_t from = 0;             ///< bytes: nothing shorter was measured
  std::vector<Crossover> crossovers;  ///< ascending; at least one
  /// Bytes from which results are written past the caches; nullopt: not measured.
  std::optional<std::uint64_t> stream_from;
  std::string measured;  ///< where and how, for people

  friend bool operator==(const TuningEntry&, const TuningEntry&) = default;
};

/// What a table says about one call.
struct TuningAnswer {
  const Crossover* crossover = nullptr;      ///< in the table; null: nothing, and `why` not
  std::optional<std::uint64_t> stream_from;  ///< as TuningEntry's
  std::string why;                           ///< which entry, or why none
};

class TuningTable {
 public:
  /// `file` is for messages only. Throws CollectiveError(InvalidArgument) naming the file, the line
  /// or field, and what to do.
  [[nodiscard]] static TuningTable parse(std::string_view text, std::string_view file);
  /// JSON that parse() reads back.
  [[nodiscard]] std::string print() const;

  /// Replaces the entry of the same key.
  void put(TuningEntry entry);
  /// By key.
  [[nodiscard]] std::span<const TuningEntry> entries() const noexcept { return entries_; }

  /// The entry of just this number of ranks decides. Where there is none, the nearest measured
  /// numbers below and above decide if they agree on the algorithm; otherwise, outside of what was
  /// measured, and for lengths that were not, the cost model is left to decide.
  [[nodiscard]] TuningAnswer look_up(const TuningKey& key, std::uint64_t bytes) const;

  friend bool operator==(const TuningTable&, const TuningTable&) = default;

 private:
  [[nodiscard]] const TuningEntry* find(const TuningKey& key) const;
  [[nodiscard]] TuningAnswer between(const TuningKey& key, std::uint64_t bytes) const;

  std::vector<TuningEntry> entries_;  // ordered by key
};

}  // namespace rlx::collectives
