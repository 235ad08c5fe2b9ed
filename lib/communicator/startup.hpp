#pragma once
// What wiring takes, phase by phase: time, what the bootstrap moves, memory. And the name of the
// phase in every error of the bootstrap.

#include <cstddef>
#include <string_view>
#include <vector>

#include "rlx/bootstrap.hpp"

namespace rlx::detail {

/// One phase of one rank.
struct StartupPhase {
  std::string_view name;  ///< a literal
  double us = 0;          ///< until the next phase began
  std::size_t exchanges = 0;
  std::size_t bytes = 0;    ///< that this rank received from all ranks through the bootstrap
  std::size_t shared = 0;   ///< of them in memory that the ranks of its node share
  std::ptrdiff_t heap = 0;  ///< bytes of the process's C heap at its end more than at its beginning
};

/// Bytes of this process's C heap that are in use. 0 where the system does not tell.
[[nodiscard]] std::size_t heap_in_use() noexcept;

/// A bootstrap that knows the phase it is used in. Not for use by several threads at once.
class PhasedBootstrap final : public Bootstrap {
 public:
  explicit PhasedBootstrap(Bootstrap& inner) : inner_(inner) {}

  /// Ends the phase before. `name` is a literal.
  void enter(std::string_view name);
  /// Ends the last phase. What every one of them took, in order.
  [[nodiscard]] std::vector<StartupPhase> finish();

  [[nodiscard]] Rank rank() const override { return inner_.rank(); }
  [[nodiscard]] std::size_t size() const override { return inner_.size(); }
  /// Throw what the inner bootstrap throws, with the phase in the message.
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override;
  void barrier() override;
  void broadcast(std::span<std::byte> data) override;
  [[nodiscard]] Gathered gather_shared(std::span<const std::byte> mine) override;

 private:
  template <class F>
  void in_phase(F f);
  void leave();

  Bootstrap& inner_;
  std::vector<StartupPhase> phases_;
  double began_us_ = 0;
  std::size_t heap_ = 0;
};

}  // namespace rlx::detail
