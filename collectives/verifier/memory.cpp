#include "collectives/verifier/memory.hpp"

#include <algorithm>

#include "collectives/spaces.hpp"

namespace rlx::collectives::verifier {

Memory::Memory(std::span<const Schedule> schedules, Placement placement)
    : collective_(schedules[0].collective),
      placement_(placement),
      ranks_(static_cast<std::uint32_t>(schedules.size())),
      inputs_(chunks_of(schedules[0], Space::input)),
      outputs_(chunks_of(schedules[0], Space::output)),
      scratch_(schedules[0].scratch_chunks),
      lines_(0) {
  for (const Schedule& schedule : schedules)
    lines_ = std::max<std::uint32_t>(lines_, schedule.words);
  chunks_.resize(std::size_t{ranks_} * (inputs_ + outputs_ + scratch_ + lines_));
  fill_inputs();
}

void Memory::fill_inputs() {
  if (collective_ == Collective::barrier) return;
  for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
    for (std::uint32_t chunk = 0; chunk < inputs_; ++chunk) {
      const std::uint32_t of = collective_ == Collective::all_gather ? rank : chunk;
      chunks_[index(rank, Space::input, chunk)].value = contribution(ranks_, rank, of);
    }
  }
}

std::uint32_t Memory::count(Space space) const {
  switch (space) {
    case Space::input:
      return inputs_;
    case Space::output:
      return outputs_;
    case Space::scratch:
      return scratch_;
    case Space::line:
      return lines_;
    case Space::arrival:
      return 0;
  }
  return 0;
}

std::size_t Memory::index(std::uint32_t rank, Space space, std::uint32_t chunk) const {
  const std::size_t base = std::size_t{rank} * (inputs_ + outputs_ + scratch_ + lines_);
  if (placement_ == Placement::in_place) {
    if (space == Space::input && collective_ == Collective::all_reduce) space = Space::output;
    if (space == Space::input && collective_ == Collective::all_gather)
      return base + inputs_ + rank;
    if (space == Space::output && collective_ == Collective::reduce_scatter) return base + rank;
  }
  switch (space) {
    case Space::input:
      return base + chunk;
    case Space::output:
      return base + inputs_ + chunk;
    case Space::scratch:
      return base + inputs_ + outputs_ + chunk;
    default:
      return base + inputs_ + outputs_ + scratch_ + chunk;
  }
}

}  // namespace rlx::collectives::verifier
