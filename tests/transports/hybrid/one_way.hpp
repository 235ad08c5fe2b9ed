#pragma once
// A transport that writes down what it is asked, and does as it is told.

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "rlx/symmetric_transport.hpp"

namespace rlx::test {

class OneWay final : public SymmetricTransport {
 public:
  OneWay(Rank rank, std::size_t size, TransportCapabilities offered = {})
      : SymmetricTransport(rank, size), offered_(std::move(offered)) {}

  Issue put(Lane, RemoteRef to, LocalRef, Completion&) noexcept override { return asked(to.rank); }
  Issue put_signal(Lane, RemoteRef to, LocalRef, Signal, Completion&) noexcept override {
    return asked(to.rank);
  }
  Issue get(Lane, LocalRef, RemoteRef from, Completion&) noexcept override {
    return asked(from.rank);
  }
  Issue signal(Lane, Signal signal, Completion&) noexcept override { return asked(signal.rank); }
  bool progress() noexcept override {
    ++polls;
    return std::exchange(moves, false);
  }
  std::optional<Window> attach(std::span<std::byte>, WindowRole role) noexcept override {
    if (refuses_memory) {
      fail({ErrorKind::OutOfMemory, rank(), "no memory this way"});
      return std::nullopt;
    }
    Window window;
    window.number = role == WindowRole::signals ? kSignalWindow : next_window++;
    window.key = key;
    return window;
  }
  bool admit(Rank peer, WindowNumber number, const WindowKey& theirs) noexcept override {
    admitted[peer] = theirs;
    record_window(peer, number, 4096, mapped_at);
    return true;
  }
  const TransportCapabilities& capabilities() const noexcept override { return offered_; }
  bool peer_failed(Rank rank) const noexcept override {
    return std::ranges::find(dead, rank) != dead.end();
  }
  NetworkTraffic network_traffic(Rank) const noexcept override { return {operations, 0}; }

  void lose(Rank peer) {
    dead.push_back(peer);
    fail({ErrorKind::PeerFailed, peer, "lost"});
  }

  // What it is to do.
  bool moves = false;
  bool refuses_memory = false;
  WindowKey key;
  WindowNumber next_window = 1;
  std::byte* mapped_at = nullptr;
  std::vector<Rank> dead;
  // What it was asked.
  std::vector<Rank> peers;
  std::map<Rank, WindowKey> admitted;
  std::size_t polls = 0;
  std::uint64_t operations = 0;

 private:
  Issue asked(Rank peer) noexcept {
    peers.push_back(peer);
    return peer_failed(peer) ? Issue::failed : Issue::done;
  }
  TransportCapabilities offered_;
};

}  // namespace rlx::test
