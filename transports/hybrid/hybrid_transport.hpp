#pragma once
// Two transports as one: mapped memory for the ranks of this node, a network for all others, a byte
// for each peer that says which. Both deliver into the same signal words and the same windows: what
// is attached is attached to both, first as shared memory, because that puts other pages where the
// memory is, and then with the network. A word has one writer, and a writer has one way, so nothing
// orders one way after the other and nothing has to.
//
// A WindowKey holds both keys, one after the other; a peer uses the one of its way.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "rlx/symmetric_transport.hpp"

namespace rlx::hybrid {

/// The ways to the peers; at least one is there.
struct Ways {
  std::unique_ptr<SymmetricTransport> mapped;  ///< none for a rank that is alone on its node
  std::unique_ptr<SymmetricTransport> fabric;  ///< none where all ranks are on one node
};

/// What holds for all peers, whichever way leads there. `node_of` by rank.
[[nodiscard]] TransportCapabilities combined_capabilities(const Ways& ways, Rank me,
                                                          std::span<const std::uint32_t> node_of);

/// How ranks are spread over nodes, whatever their order: "2x4" are two nodes of four ranks,
/// "1x2+1x1" one of two and one of one.
[[nodiscard]] std::string shape_of(std::span<const std::uint32_t> node_of);

class HybridTransport final : public SymmetricTransport {
 public:
  /// `node_of` by rank, equal on all ranks: peers with my number are reached by ways.mapped, the
  /// others by ways.fabric.
  HybridTransport(Rank rank, std::vector<std::uint32_t> node_of, Ways ways);
  ~HybridTransport() override;

  Issue put(Lane lane, RemoteRef to, LocalRef from, Completion& completion) noexcept override;
  Issue put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                   Completion& completion) noexcept override;
  Issue get(Lane lane, LocalRef to, RemoteRef from, Completion& completion) noexcept override;
  Issue signal(Lane lane, Signal signal, Completion& completion) noexcept override;
  bool progress() noexcept override;
  std::optional<Window> attach(std::span<std::byte> memory, WindowRole role) noexcept override;
  bool admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept override;
  [[nodiscard]] const TransportCapabilities& capabilities() const noexcept override {
    return capabilities_;
  }
  [[nodiscard]] bool peer_failed(Rank rank) const noexcept override;
  [[nodiscard]] NetworkTraffic network_traffic(Rank rank) const noexcept override;

 private:
  [[nodiscard]] SymmetricTransport& way_to(Rank rank) const noexcept;
  Issue told(const SymmetricTransport& way, Issue issue) noexcept;
  void adopt(const SymmetricTransport& way) noexcept;
  void note_memory(WindowNumber number, std::span<std::byte> memory);

  std::vector<std::uint32_t> node_of_;
  Ways ways_;
  std::array<SymmetricTransport*, 2> each_{};  // those that are there; otherwise null
  std::vector<std::uint8_t> way_;              // by rank: index into each_
  std::vector<std::span<std::byte>> own_;      // my windows, by number
  TransportCapabilities capabilities_;
};

}  // namespace rlx::hybrid
