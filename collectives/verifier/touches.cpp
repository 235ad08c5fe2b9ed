#include "collectives/verifier/touches.hpp"

#include <algorithm>

namespace rlx::collectives::verifier {

Touches::Touches(const Sync& sync, std::uint32_t lines) : sync_(sync), lines_(lines) {
  const std::uint32_t ranks = sync.rank_of(sync.components() - 1) + 1;
  regions_.resize(std::size_t{ranks} * (1 + lines));
}

void Touches::issued(Message message) {
  const Sent& sent = sync_.sent(message);
  first(line(sent.target, sent.word), sent.issuer, sent.issue_step);
  if (sent.to_scratch) first(scratch(sent.target), sent.issuer, sent.issue_step);
  if (sent.from_scratch) first(scratch(sync_.rank_of(sent.issuer)), sent.issuer, sent.issue_step);
}

void Touches::delivered(Message message) {
  const Sent& sent = sync_.sent(message);
  const Event event = event_of(sent.wait_step);
  last(line(sent.target, sent.word), {sent.waiter, event, false});
  if (sent.to_scratch) last(scratch(sent.target), {sent.waiter, event, false});
  if (sent.from_scratch) last(scratch(sync_.rank_of(sent.issuer)), {sent.waiter, event, true});
}

void Touches::scratch_used(Component c, std::uint32_t step, std::uint32_t rank) {
  Region& region = scratch(rank);
  first(region, c, step);
  last(region, {c, event_of(step), false});
}

void Touches::published(Component c, std::uint32_t step, std::uint16_t word) {
  Region& region = line(sync_.rank_of(c), word);
  first(region, c, step);
  last(region, {c, event_of(step), false});
}

void Touches::line_read(Component c, std::uint32_t step, std::uint32_t rank, std::uint16_t word) {
  last(line(rank, word), {c, event_of(step), false});
}

void Touches::first(Region& region, Component c, std::uint32_t step) const {
  for (const Region::First& known : region.firsts)
    if (known.component == c) return;
  const Clock& clock = sync_.clock(c);
  const std::uint32_t lanes = sync_.components() / (sync_.rank_of(sync_.components() - 1) + 1);
  Region::First use{c, step, std::vector<std::uint64_t>((clock.size() / lanes + 63) / 64, 0)};
  for (std::uint32_t rank = 0; rank < clock.size() / lanes; ++rank)
    if (clock[rank * lanes] != 0) use.started[rank / 64] |= std::uint64_t{1} << (rank % 64);
  region.firsts.push_back(std::move(use));
}

void Touches::last(Region& region, const Region::Last& use) {
  const auto known =
      std::find_if(region.lasts.begin(), region.lasts.end(), [&](const Region::Last& other) {
        return other.component == use.component && other.own_source == use.own_source;
      });
  if (known == region.lasts.end()) {
    region.lasts.push_back(use);
  } else {
    known->event = std::max(known->event, use.event);
  }
}

}  // namespace rlx::collectives::verifier
