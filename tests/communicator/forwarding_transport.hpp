#pragma once
// A transport around another one that does as that does: the base of those that watch or break it.

#include <memory>
#include <optional>
#include <utility>

#include "rlx/symmetric_transport.hpp"

namespace rlx::test {

class ForwardingTransport : public SymmetricTransport {
 public:
  explicit ForwardingTransport(std::unique_ptr<SymmetricTransport> inner)
      : SymmetricTransport(inner->rank(), inner->size()), inner_(std::move(inner)) {
    share_kept(*inner_);
  }
  Issue put(Lane lane, RemoteRef to, LocalRef from, Completion& completion) noexcept override {
    return inner_->put(lane, to, from, completion);
  }
  Issue put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                   Completion& completion) noexcept override {
    return inner_->put_signal(lane, to, from, signal, completion);
  }
  Issue get(Lane lane, LocalRef to, RemoteRef from, Completion& completion) noexcept override {
    return inner_->get(lane, to, from, completion);
  }
  Issue signal(Lane lane, Signal signal, Completion& completion) noexcept override {
    return inner_->signal(lane, signal, completion);
  }
  bool progress() noexcept override { return inner_->progress(); }
  std::optional<Window> attach(std::span<std::byte> memory, WindowRole role) noexcept override {
    return inner_->attach(memory, role);
  }
  bool admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept override {
    if (!inner_->admit(rank, number, key)) return false;
    record_window(rank, number, inner_->window_bytes(rank, number), inner_->mapped(rank, number));
    return true;
  }
  void detach(WindowNumber number) noexcept override { inner_->detach(number); }
  [[nodiscard]] const TransportCapabilities& capabilities() const noexcept override {
    return inner_->capabilities();
  }
  [[nodiscard]] bool peer_failed(Rank rank) const noexcept override {
    return inner_->peer_failed(rank);
  }

 private:
  std::unique_ptr<SymmetricTransport> inner_;
};

}  // namespace rlx::test
