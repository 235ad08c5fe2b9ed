#pragma once
// Who owns which bytes of one process's heap range. Bookkeeping only: no memory, no lock, no peers.
//
// The range is cut into extents (committed, or about to be) and the gaps between them. Blocks are
// allocations, and reservations of agreements that are not decided. A block lies inside one extent
// or inside one gap, and stays so: an extent that is planned in a gap never cuts a block.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "rlx/symmetric_heap.hpp"

namespace rlx::detail {

/// How an agreement treats reservations of communicators with a smaller id (rule 10).
enum class Manners : std::uint8_t {
  yields,  ///< meeting one is a pass
  insists  ///< they are skipped like all others
};

struct FitRequest {
  std::uint64_t bytes = 0;       ///< a multiple of kHeapUnit
  std::uint64_t alignment = 64;  ///< a power of two, at least kHeapUnit
  std::uint64_t communicator = 0;
  Manners manners = Manners::yields;
};

struct Fit {
  enum class Kind : std::uint8_t { found, pass, none };
  Kind kind = Kind::none;
  std::uint64_t offset = 0;
  bool ready = false;  ///< its extent is committed and registered
};

inline constexpr std::uint64_t kHeapUnit = 64;
inline constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;
inline constexpr std::uint64_t kUsualExtent = std::uint64_t{32} << 20;

class OffsetAllocator {
 public:
  /// `limit` bytes, a multiple of kHeapUnit; a multiple of 4096 where extents are committed.
  explicit OffsetAllocator(std::uint64_t limit) : limit_(limit) {}
  /// The whole range is one ready extent of zeros. Before anything else.
  void adopt_whole();

  /// The lowest free place at or above `at_least`.
  [[nodiscard]] Fit first_fit(const FitRequest& request, std::uint64_t at_least) const;

  /// The place must be free, as first_fit found it under the same lock.
  void reserve(std::uint64_t offset, const FitRequest& request);
  void drop_reservation(std::uint64_t offset);
  /// The reservation becomes an allocation.
  void settle(std::uint64_t offset);
  /// False when no allocation starts there.
  [[nodiscard]] bool release(std::uint64_t offset);

  /// Whether the block lies in a ready extent.
  [[nodiscard]] bool is_ready(std::uint64_t offset) const;
  /// Plans an extent, not ready, around a reservation that lies in a gap.
  [[nodiscard]] HeapExtent plan_extent(std::uint64_t offset);
  void make_ready(std::uint64_t extent);
  void drop_extent(std::uint64_t extent);

  /// The parts of the range that allocations of before may have written to, which are regarded as
  /// clean from now on: the caller clears them.
  [[nodiscard]] std::vector<HeapExtent> take_dirty(std::uint64_t offset, std::uint64_t bytes);

  /// The ready extent that holds the offset; length 0 when none does.
  [[nodiscard]] HeapExtent extent_at(std::uint64_t offset) const;
  /// The largest request of this alignment that would be met now.
  [[nodiscard]] std::uint64_t largest_fit(std::uint64_t alignment) const;
  [[nodiscard]] std::uint64_t limit() const { return limit_; }
  [[nodiscard]] std::uint64_t allocated_bytes() const { return allocated_; }
  [[nodiscard]] std::uint64_t committed_bytes() const { return committed_; }

 private:
  struct Block {
    std::uint64_t bytes = 0;
    std::optional<std::uint64_t> reserved_by;  ///< communicator; empty for an allocation
  };
  struct Extent {
    std::uint64_t bytes = 0;
    bool ready = false;
  };
  struct Region {  // one extent or one gap
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool is_extent = false;
    bool ready = false;
  };
  using Blocks = std::map<std::uint64_t, Block>;

  [[nodiscard]] Region region_at(std::uint64_t offset) const;
  /// The first block that ends above `begin`, if it starts below `end`.
  [[nodiscard]] Blocks::const_iterator overlapping(std::uint64_t begin, std::uint64_t end) const;

  std::uint64_t limit_;
  std::uint64_t allocated_ = 0;
  std::uint64_t committed_ = 0;                   // ready extents
  Blocks blocks_;                                 // by offset; disjoint
  std::map<std::uint64_t, Extent> extents_;       // by offset; disjoint
  std::map<std::uint64_t, std::uint64_t> dirty_;  // offset to length; disjoint, not merged
};

}  // namespace rlx::detail
