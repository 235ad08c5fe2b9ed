#pragma once
// Which put-with-signal protocol a provider's promises allow.

#include <rdma/fabric.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "rlx/symmetric_transport.hpp"

namespace rlx::ofi {

/// Ordering promised for less than this is not used where something better is there: cutting every
/// put into such pieces would cost more than the other protocols.
inline constexpr std::size_t kLeastOrderedBytes = std::size_t{64} << 10;

struct ProtocolChoice {
  bool possible = false;
  SignalProtocol protocol = SignalProtocol::ordered_write;
  std::size_t chunk_bytes = 0;   ///< the largest single write
  std::size_t inject_bytes = 0;  ///< this much may be injected, and its signal
  bool word_with_data = false;   ///< bytes and signal word may be two parts of one write, in order
  bool acknowledged = false;     ///< a completed write can not be overtaken by a later one
  std::string reason;            ///< why this one, or why none
};

/// "tcp" of "tcp;ofi_rxm".
[[nodiscard]] std::string_view core_name(std::string_view provider);

/// From what the provider promises, never from hope; `wanted` overrides the choice (tests), as far
/// as the provider offers what that protocol needs.
[[nodiscard]] ProtocolChoice choose_protocol(const fi_info& info,
                                             std::optional<SignalProtocol> wanted = {});

}  // namespace rlx::ofi
