#pragma once
// Ranks as threads of one process: the reference for every other transport.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "rlx/symmetric_transport.hpp"

namespace rlx {

class LocalTransport final : public SymmetricTransport {
 public:
  /// `n` wired transports, one per rank, each to be used by one thread (or handed to one). Each owns
  /// `heap_size` bytes of zeroed memory (rounded up to 64), already attached as window 1, and a
  /// signal region of `signal_lines` lines attached as window 0; all windows are admitted
  /// everywhere. The shared memory lives until the last of them is destroyed.
  /// Throws CollectiveError(InvalidArgument) for n = 0, OutOfMemory when memory is refused.
  [[nodiscard]] static std::vector<std::unique_ptr<LocalTransport>> fan_out(
      std::size_t n, std::size_t heap_size, std::uint32_t signal_lines = 4096);

  /// `n` transports with nothing attached: the caller attaches and admits (used by the bootstrap).
  [[nodiscard]] static std::vector<std::unique_ptr<LocalTransport>> bare(std::size_t n);

  ~LocalTransport() override;

  /// The memory of fan_out; empty for bare().
  [[nodiscard]] std::span<std::byte> heap() const noexcept;
  [[nodiscard]] SignalRegion signals() const noexcept;

  Issue put(Lane lane, RemoteRef to, LocalRef from, Completion& completion) noexcept override;
  Issue put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                   Completion& completion) noexcept override;
  Issue get(Lane lane, LocalRef to, RemoteRef from, Completion& completion) noexcept override;
  Issue signal(Lane lane, Signal signal, Completion& completion) noexcept override;
  bool progress() noexcept override;
  std::optional<Window> attach(std::span<std::byte> memory, WindowRole role) noexcept override;
  bool admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept override;
  [[nodiscard]] const TransportCapabilities& capabilities() const noexcept override;

 private:
  struct Shared;
  LocalTransport(Rank rank, std::size_t size, std::shared_ptr<Shared> shared);

  std::shared_ptr<Shared> shared_;  // shared on purpose: the memory outlives any one rank
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rlx
