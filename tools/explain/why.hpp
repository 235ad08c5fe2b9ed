#pragma once
// Which rule chooses which algorithm for a call, and what the others would cost.

#include <cstdint>
#include <string>

#include "collectives/tuner.hpp"
#include "rlx/config.hpp"

namespace rlx::explain {

enum class Over : std::uint8_t { shm, ofi };

/// A call as the command line describes it.
struct Question {
  collectives::Collective collective = collectives::Collective::all_reduce;
  std::uint32_t ranks = 4;
  const collectives::Nodes* nodes = nullptr;  ///< then over hybrid, by TCP between them
  std::size_t bytes = 0;  ///< of the vector (all_reduce), or of one rank's block
  collectives::MemoryKind memory = collectives::MemoryKind::heap;
  bool in_place = false;
  std::uint32_t cores = 0;  ///< that the ranks share; 0: each has one
  Over over = Over::shm;
  collectives::CacheLayout caches = collectives::CacheLayout::mesh;  ///< of the machine
  Config config;     ///< algorithm, slots, window, single copy and provider count
  std::string file;  ///< the table's name, for people; empty: there is none
  const collectives::TuningTable* tuning = nullptr;
};

/// A page of text. Throws what choose() throws.
[[nodiscard]] std::string why(const Question& question);

}  // namespace rlx::explain
