#pragma once
// Signals and clocks of an abstract run: who knows of whose events.

#include <cstdint>
#include <vector>

#include "collectives/schedule.hpp"
#include "collectives/verifier/clocks.hpp"
#include "collectives/verifier/memory.hpp"

namespace rlx::collectives::verifier {

/// The longest chains of messages that lead to an event, each kind for itself.
struct Chain {
  std::uint32_t messages = 0;     ///< between nodes, or all where there are none
  std::uint64_t chunks = 0;       ///< that they carry
  std::uint32_t within_node = 0;  ///< messages between mates
};

/// A put or signal that was issued.
struct Sent {
  Component issuer = kNoComponent;
  std::uint32_t issue_step = 0;
  std::uint32_t target = 0;  ///< rank
  std::uint16_t word = 0;
  bool from_scratch = false;
  bool to_scratch = false;
  bool published = false;           ///< into the issuer's own word, for all: nobody's wait ends it
  Component waiter = kNoComponent;  ///< who awaited it, once that has happened
  std::uint32_t wait_step = 0;
  bool within_node = false;  ///< between mates, where there are nodes
  std::uint32_t chunks = 0;  ///< that it carries
  Chain chain;               ///< that ends with this one
  std::size_t snapshot = 0;
};

class Sync {
 public:
  Sync(std::uint32_t ranks, std::uint32_t lanes);

  [[nodiscard]] std::uint32_t components() const { return ranks_ * lanes_; }
  [[nodiscard]] std::uint32_t rank_of(Component c) const { return c / lanes_; }
  [[nodiscard]] const Clock& clock(Component c) const { return clocks_[c]; }
  [[nodiscard]] const Chain& chain(Component c) const { return chains_[c]; }
  [[nodiscard]] const Sent& sent(Message message) const { return sent_[message]; }

  /// The component's next step begins.
  void begin(Component c, std::uint32_t step) { clocks_[c][c] = event_of(step); }
  /// Issues a put or signal whose endpoints `sent` names; its parts count in order.
  Message send(Sent sent);
  /// The message that a wait for `part` of rank's `word` receives; kNoMessage when it has not come.
  /// What is published there is received by any number of waits.
  [[nodiscard]] Message arrived(std::uint32_t rank, std::uint16_t word, std::uint16_t part) const;
  /// `c` has awaited it at `step`: what its issuer knew, c knows.
  void deliver(Message message, Component c, std::uint32_t step);

  /// Whether the access has ended before (in happens-before) what `clock` belongs to.
  [[nodiscard]] bool over(const Access& access, const Clock& clock) const;

 private:
  std::uint32_t ranks_;
  std::uint32_t lanes_;
  std::vector<Clock> clocks_;
  std::vector<Chain> chains_;
  std::vector<Sent> sent_;
  std::vector<std::vector<Message>> words_;  // [rank][word]: by part
  std::vector<Clock> snapshots_;             // of issuers' clocks, until delivered
  std::vector<std::size_t> free_snapshots_;
};

}  // namespace rlx::collectives::verifier
