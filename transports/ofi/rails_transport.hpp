#pragma once
// The transport over one or several rails. An operation's lane says which rail it takes, so that
// nothing has to be ordered between rails: signals of a word come by one lane. Memory is registered
// with every rail, a window's key holds the keys of all, and a peer that is lost on one rail is
// lost.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rlx/symmetric_transport.hpp"
#include "transports/common/peer_watch.hpp"
#include "transports/ofi/local_sockets.hpp"
#include "transports/ofi/rail.hpp"
#include "transports/ofi/records.hpp"
#include "transports/ofi/shm_guard.hpp"
#include "transports/transports.hpp"

namespace rlx::ofi {

/// One rail as it is opened: its endpoint, the peers' addresses by rank, and what people call it.
struct OpenedRail {
  Endpoint endpoint;
  std::vector<fi_addr_t> addresses;
  std::string place;  ///< "eth0 at 10.0.0.1"
};

class RailsTransport final : public SymmetricTransport {
 public:
  /// One rail or more, of one provider.
  RailsTransport(const TransportSetup& setup, std::vector<OpenedRail> rails);

  /// `table` as of lane_table(); `links` interfaces make `gain` times the bandwidth of one. Before
  /// anything is issued.
  void set_lanes(std::vector<std::uint8_t> table, std::uint32_t links, double gain);

  /// Learns of deaths from this machine's kernel from now on, if they are those of peers that it
  /// reaches. Both by rank.
  void watch(std::span<const detail::ProcessIdentity> processes, std::span<const RailNames> names);
  /// Frees the connections within this machine from pacing, once they are made.
  void watch_sockets(std::span<const detail::ProcessIdentity> processes,
                     std::span<const RailNames> names);

  [[nodiscard]] std::span<const std::unique_ptr<Rail>> rails() const { return rails_; }
  [[nodiscard]] bool reaches(Rank rank) const { return reaches_[rank.index()]; }

  Issue put(Lane lane, RemoteRef to, LocalRef from, Completion& completion) noexcept override {
    return issue(lane, {OperationKind::put, to, from, {}}, completion);
  }
  Issue put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                   Completion& completion) noexcept override {
    return issue(lane, {OperationKind::put_signal, to, from, signal}, completion);
  }
  Issue get(Lane lane, LocalRef to, RemoteRef from, Completion& completion) noexcept override {
    return issue(lane, {OperationKind::get, from, to, {}}, completion);
  }
  Issue signal(Lane lane, Signal signal, Completion& completion) noexcept override {
    return issue(lane, {OperationKind::put_signal, {signal.rank, kSignalWindow, 0}, {}, signal},
                 completion);
  }

  bool progress() noexcept override;
  std::optional<Window> attach(std::span<std::byte> memory, WindowRole role) noexcept override;
  bool admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept override;
  void detach(WindowNumber number) noexcept override;

  [[nodiscard]] const TransportCapabilities& capabilities() const noexcept override {
    return capabilities_;
  }
  [[nodiscard]] bool peer_failed(Rank rank) const noexcept override;
  [[nodiscard]] NetworkTraffic network_traffic(Rank rank) const noexcept override;

 private:
  Issue issue(Lane lane, const Request& request, Completion& completion) noexcept;
  Issue copy(const Request& request, Completion& completion) noexcept;
  void note(TransportFailure failure, const std::string& place) noexcept;
  void spread_losses() noexcept;
  void give_up(Rank rank, const std::string& message) noexcept;
  void look_for_deaths() noexcept;
  void look_for_sockets() noexcept;
  [[nodiscard]] std::size_t reached() const noexcept;
  bool accept_signals(std::span<std::byte> memory) noexcept;
  std::optional<Window> attach_call(std::span<std::byte> memory, Endpoint::Use use) noexcept;
  [[nodiscard]] std::optional<WindowNumber> free_call_number() noexcept;
  void refuse(int error, std::size_t bytes) noexcept;
  void refuse_keys() noexcept;

  TransportCapabilities capabilities_;
  bool uses_shm_;
  std::vector<bool> reaches_;
  std::vector<std::uint8_t> table_{0};         // by lane, its rail
  std::vector<std::span<std::byte>> windows_;  // my own, by number
  std::vector<WindowNumber> free_calls_;       // numbers of windows of calls that are over
  WindowNumber next_call_ = kFirstCallWindow;
  std::atomic<bool> has_lost_{false};   // some rail has lost some peer
  std::atomic<bool> to_spread_{false};  // and other rails may not have been told
  std::mutex watch_mutex_;              // guards what follows; only tried
  detail::PeerWatch watch_;
  LocalSockets sockets_;
  std::size_t seen_reached_ = 0;
  std::vector<std::unique_ptr<Rail>> rails_;
  std::optional<ShmGuard> guard_;  // last: its thread ends before the endpoint goes
};

}  // namespace rlx::ofi
