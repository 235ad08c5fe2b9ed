#pragma once
// A transport whose user takes all its lanes: a word's signals keep to one, and so do the puts to
// one place, which would overtake each other. For the conformance suite, which uses lane 0 alone.

#include <memory>

#include "rlx/symmetric_transport.hpp"

namespace rlx::test {

class EveryLane final : public SymmetricTransport {
 public:
  explicit EveryLane(std::unique_ptr<SymmetricTransport> inner)
      : SymmetricTransport(inner->rank(), inner->size()), inner_(std::move(inner)) {
    share_kept(*inner_);
  }

  Issue put(Lane, RemoteRef to, LocalRef from, Completion& completion) noexcept override {
    return told(inner_->put(lane_of(to), to, from, completion));
  }
  Issue put_signal(Lane, RemoteRef to, LocalRef from, Signal signal,
                   Completion& completion) noexcept override {
    return told(inner_->put_signal(lane_of(signal), to, from, signal, completion));
  }
  Issue get(Lane, LocalRef to, RemoteRef from, Completion& completion) noexcept override {
    return told(inner_->get(lane_of(from), to, from, completion));
  }
  Issue signal(Lane, Signal signal, Completion& completion) noexcept override {
    return told(inner_->signal(lane_of(signal), signal, completion));
  }
  bool progress() noexcept override {
    const bool moved = inner_->progress();
    if (inner_->has_failed()) adopt();
    return moved;
  }
  std::optional<Window> attach(std::span<std::byte> memory, WindowRole role) noexcept override {
    auto window = inner_->attach(memory, role);
    if (!window) adopt();
    return window;
  }
  bool admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept override {
    const bool admitted = inner_->admit(rank, number, key);
    if (!admitted) adopt();
    if (admitted) record_window(rank, number, inner_->window_bytes(rank, number));
    return admitted;
  }
  void detach(WindowNumber number) noexcept override { inner_->detach(number); }
  [[nodiscard]] const TransportCapabilities& capabilities() const noexcept override {
    return inner_->capabilities();
  }
  [[nodiscard]] bool peer_failed(Rank rank) const noexcept override {
    return inner_->peer_failed(rank);
  }
  [[nodiscard]] NetworkTraffic network_traffic(Rank rank) const noexcept override {
    return inner_->network_traffic(rank);
  }

 private:
  static Lane lane_of(const RemoteRef& place) noexcept {
    return static_cast<Lane>(place.offset / kLineBytes);
  }
  static Lane lane_of(const Signal& signal) noexcept {
    return static_cast<Lane>(signal.index + SignalValue::epoch(signal.value));
  }
  Issue told(Issue issue) noexcept {
    if (issue == Issue::failed) adopt();
    return issue;
  }
  void adopt() noexcept {
    if (!has_failed()) fail(inner_->failure().value_or(TransportFailure{}));
  }

  std::unique_ptr<SymmetricTransport> inner_;
};

}  // namespace rlx::test
