#pragma once
// One rank's end of the emulation of a target that must poll: its own mailbox and its peers'.

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "transports/faulty/faulty_mailbox.hpp"
#include "transports/faulty/faulty_options.hpp"
#include "transports/faulty/faulty_queue.hpp"

namespace rlx {

/// Around the local transport only: keys carry the address of a mailbox, and what arrives is
/// written into the rank's own memory through `inner`, at once. Guarded by the faulty transport's
/// mutex.
class FaultyPort {
 public:
  FaultyPort(SymmetricTransport& inner, const FaultyOptions& options)
      : inner_(inner),
        rebuilds_(options.cqdata),
        mine_(std::make_shared<FaultyMailbox>()),
        peers_(inner.size()) {}

  /// Adds my mailbox to the key of a window that `inner` has attached. False: see inner's failure.
  [[nodiscard]] bool announce(Window& window, std::span<std::byte> memory, WindowRole role);
  /// Takes a peer's mailbox from a key, and gives the key that `inner` knows. The peer must be
  /// alive while it is wired; nullopt for a key without one.
  [[nodiscard]] std::optional<WindowKey> accept(Rank rank, const WindowKey& key);

  /// Puts the operation, with the bytes that its source has now, into the target's mailbox.
  [[nodiscard]] Issue post(const FaultyOperation& operation);
  /// Carries out everything that has come, but answers to my gets, which are returned. `anything`
  /// tells whether something had come.
  struct Read {
    bool anything = false;
    std::vector<FaultyMessage> answers;
  };
  [[nodiscard]] Read read();

 private:
  void arrive(const FaultyMessage& message);
  void answer(const FaultyMessage& message);

  SymmetricTransport& inner_;
  bool rebuilds_;  // signals travel as completion data
  SignalRegion signals_;
  std::shared_ptr<FaultyMailbox> mine_;                // shared with the peers, who may outlive me
  std::vector<std::shared_ptr<FaultyMailbox>> peers_;  // [rank]
};

}  // namespace rlx
