#pragma once
// What one epoch of a schedule does, as far as other epochs of the communicator can see: who knows
// of whom when, and who touches which part of the set first and last. Epochs in flight share
// nothing but the start condition (rule 5), so this is all that the analysis of many epochs needs,
// and it is the same for every epoch of the schedule.

#include <cstdint>
#include <string>
#include <vector>

#include "collectives/algorithms.hpp"
#include "collectives/verifier/clocks.hpp"
#include "collectives/verifier/finding.hpp"

namespace rlx::collectives::verifier {

/// One rank's scratch, or one of its lines (value and payload), within a set.
struct Region {
  /// The first step of a component that touches the region, with the ranks known there to have
  /// started the epoch (one bit each).
  struct First {
    Component component = 0;
    std::uint32_t step = 0;
    std::vector<std::uint64_t> started;
  };
  /// The last event of a component by which a use of the region is over.
  struct Last {
    Component component = 0;
    Event event = 0;
    bool own_source =
        false;  ///< the source of this rank's own puts: over when it has completed, too
  };
  std::vector<First> firsts;
  std::vector<Last> lasts;
};

/// A put of one chunk: with a vector so short that this chunk is empty, a put of nothing.
struct Payload {
  std::uint32_t rank = 0;
  std::uint32_t step = 0;  ///< index into Schedule::steps
  std::uint32_t chunk = 0;
};

struct EpochFacts {
  std::string name;
  std::uint32_t ranks = 1;
  std::uint32_t lanes = 1;
  std::uint32_t lines = 0;
  bool all_dependent = false;     ///< proven: completing needs every rank's start
  std::vector<Clock> completion;  ///< what each rank knows when it completes
  std::vector<Region> regions;    ///< [rank][0: scratch, 1 + w: line w]
  std::vector<Payload> payloads;
  Cost counted;
  Findings findings;

  [[nodiscard]] std::uint32_t components() const { return ranks * lanes; }
  [[nodiscard]] const Region& region(std::uint32_t rank, std::uint32_t number) const {
    return regions[std::size_t{rank} * (1 + lines) + number];
  }
};

}  // namespace rlx::collectives::verifier
