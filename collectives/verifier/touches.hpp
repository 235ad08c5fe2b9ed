#pragma once
// Records, during a run, who touches each region of the set first and last (see facts.hpp).

#include <cstdint>
#include <vector>

#include "collectives/verifier/facts.hpp"
#include "collectives/verifier/sync.hpp"

namespace rlx::collectives::verifier {

class Touches {
 public:
  Touches(const Sync& sync, std::uint32_t lines);

  /// A put or signal begins to use the target's line, and scratch at either end.
  void issued(Message message);
  /// Its use of them is over.
  void delivered(Message message);
  /// A copy or reduce of a rank's scratch.
  void scratch_used(Component c, std::uint32_t step, std::uint32_t rank);
  /// The component writes a line of its own rank, for all.
  void published(Component c, std::uint32_t step, std::uint16_t word);
  /// The component reads a rank's line.
  void line_read(Component c, std::uint32_t step, std::uint32_t rank, std::uint16_t word);

  [[nodiscard]] std::vector<Region> take() { return std::move(regions_); }

 private:
  Region& scratch(std::uint32_t rank) { return regions_[std::size_t{rank} * (1 + lines_)]; }
  Region& line(std::uint32_t rank, std::uint16_t word) {
    return regions_[std::size_t{rank} * (1 + lines_) + 1 + word];
  }
  void first(Region& region, Component c, std::uint32_t step) const;
  static void last(Region& region, const Region::Last& use);

  const Sync& sync_;
  std::uint32_t lines_;
  std::vector<Region> regions_;
};

}  // namespace rlx::collectives::verifier
