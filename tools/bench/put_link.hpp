#pragma once
// One rank's end of the links that rlx-bench put measures: a transport of the benchmark's own, made
// as a communicator's is but without anything above it, two arrays that peers know, and words: one
// for acknowledgements and one for the data of each of the transport's lanes.
//
// Words count parts of an epoch (docs/contract.md, rule 1): open() begins the next one, on all
// ranks before any of them signals.

#include <memory>
#include <span>

#include "rlx/communicator.hpp"
#include "rlx/symmetric_transport.hpp"
#include "tools/bench/line_up.hpp"
#include "tools/bench/options.hpp"

namespace rlx::bench {

/// One of a rank's words, written by its partner alone and by one lane.
struct LinkWord {
  std::uint32_t index = 0;
  Lane lane = 0;

  [[nodiscard]] static LinkWord acknowledgement() { return {0, 0}; }
  [[nodiscard]] static LinkWord data(std::uint32_t lane) {
    return {1 + lane, static_cast<Lane>(lane)};
  }
};

class Link {
 public:
  /// Collective over `comm`, whose Config says which transport. Both arrays have `bytes`. Both
  /// references must outlive it. Throws CollectiveError as the transport does.
  Link(Communicator& comm, LineUp& line_up, const Options& options, std::size_t bytes);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  [[nodiscard]] const TransportCapabilities& capabilities() const noexcept;
  [[nodiscard]] std::span<std::byte> outgoing() const noexcept;
  [[nodiscard]] std::span<std::byte> incoming() const noexcept;

  [[nodiscard]] std::uint32_t lanes() const noexcept { return capabilities().lanes; }

  /// The next epoch. Everybody's last has been awaited, and a line-up follows.
  void open();
  /// `bytes` at `offset` of outgoing() to the same place in the peer's incoming(). Throws the
  /// transport's failure, as all that follow do.
  void put(Lane lane, Rank to, std::size_t offset, std::size_t bytes);
  /// The same over the word's lane, and then the next part of the peer's word; 0 bytes signal
  /// alone.
  void put_signal(Rank to, std::size_t offset, std::size_t bytes, LinkWord word);
  /// Polls until `partner` has signalled this part of my word. Throws Timeout
  /// (RLX_STALL_TIMEOUT), or PeerFailed.
  void await(LinkWord word, std::uint32_t part, Rank partner);
  /// Polls until fewer than `most` operations of mine are not complete here.
  void wait_for_room(std::uint64_t most);
  /// Polls until all are.
  void quiet();
  /// One poll, for waits of others.
  void poll() noexcept;

 private:
  class Pages;
  void join(Communicator& comm);
  void wait_a_little(std::uint64_t polls);
  [[noreturn]] void time_out(LinkWord word, std::uint32_t part, Rank partner) const;

  LineUp& line_up_;
  std::size_t half_;  // bytes of one array, in whole pages
  std::size_t bytes_;
  bool crowded_;
  double timeout_;                 // seconds
  Completion completion_;          // outlives the transport
  std::shared_ptr<Pages> memory_;  // shared: with the transport, which peers may reach
  std::unique_ptr<SymmetricTransport> transport_;
  std::shared_ptr<Pages> signals_memory_;  // likewise, with words for its lanes
  SignalRegion signals_;
  WindowNumber window_ = 0;  // mine; peers' are in windows_
  std::vector<WindowNumber> windows_;
  std::uint64_t epoch_ = 0;
  std::vector<std::uint32_t> parts_;  // of the partner's words, in this epoch
};

}  // namespace rlx::bench
