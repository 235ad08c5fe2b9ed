#include "collectives/verifier/sync.hpp"

#include <algorithm>

#include "rlx/signal_region.hpp"

namespace rlx::collectives::verifier {

Sync::Sync(std::uint32_t ranks, std::uint32_t lanes)
    : ranks_(ranks),
      lanes_(lanes),
      clocks_(components(), Clock(components(), 0)),
      chains_(components()),
      words_(std::size_t{ranks} * kWordsPerSet) {
  // The lanes of a rank start together.
  for (Component c = 0; c < components(); ++c)
    for (std::uint32_t lane = 0; lane < lanes_; ++lane)
      clocks_[c][rank_of(c) * lanes_ + lane] = kStart;
}

Message Sync::send(Sent sent) {
  if (free_snapshots_.empty()) {
    free_snapshots_.push_back(snapshots_.size());
    snapshots_.emplace_back();
  }
  sent.snapshot = free_snapshots_.back();
  free_snapshots_.pop_back();
  snapshots_[sent.snapshot] = clocks_[sent.issuer];
  sent.chain = chains_[sent.issuer];
  if (sent.within_node) {
    ++sent.chain.within_node;
  } else {
    ++sent.chain.messages;
    sent.chain.chunks += sent.chunks;
  }
  const auto message = static_cast<Message>(sent_.size());
  words_[std::size_t{sent.target} * kWordsPerSet + sent.word].push_back(message);
  sent_.push_back(sent);
  return message;
}

Message Sync::arrived(std::uint32_t rank, std::uint16_t word, std::uint16_t part) const {
  const auto& messages = words_[std::size_t{rank} * kWordsPerSet + word];
  return part <= messages.size() ? messages[part - 1] : kNoMessage;
}

void Sync::deliver(Message message, Component c, std::uint32_t step) {
  Sent& sent = sent_[message];
  join(clocks_[c], snapshots_[sent.snapshot]);
  if (!sent.published) {
    sent.waiter = c;
    sent.wait_step = step;
    free_snapshots_.push_back(sent.snapshot);
  }
  Chain& chain = chains_[c];
  chain.messages = std::max(chain.messages, sent.chain.messages);
  chain.chunks = std::max(chain.chunks, sent.chain.chunks);
  chain.within_node = std::max(chain.within_node, sent.chain.within_node);
}

bool Sync::over(const Access& access, const Clock& clock) const {
  if (access.component == kNoComponent) return true;
  if (access.message == kNoMessage) return clock[access.component] >= event_of(access.step);
  const Sent& sent = sent_[access.message];
  return sent.waiter != kNoComponent && clock[sent.waiter] >= event_of(sent.wait_step);
}

}  // namespace rlx::collectives::verifier
