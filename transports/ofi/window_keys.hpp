#pragma once
// The opaque bytes of a WindowKey: where a window begins for the fabric, how long it is, and its
// key on each rail. Short, because a hybrid's key holds another one as well.
//
//   | rails - 1 (3 bits), bytes of a key - 1 (3 bits) | base, 6 bytes | length, 6 bytes | keys |

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "rlx/symmetric_transport.hpp"
#include "transports/ofi/rail_shares.hpp"

namespace rlx::ofi {

struct WindowKeys {
  std::uint64_t base = 0;  ///< the same for all rails; below 2^48, as is the length
  std::uint64_t length = 0;
  std::size_t rails = 0;                        ///< 1 to 8
  std::array<std::uint64_t, kMostRails> key{};  ///< by rail

  void add(std::uint64_t one) { key[rails++] = one; }
  [[nodiscard]] std::span<const std::uint64_t> keys() const { return std::span(key).first(rails); }
  friend bool operator==(const WindowKeys&, const WindowKeys&) = default;
};

inline constexpr std::size_t kWindowKeyHead = 13;

/// How many rails' keys of at most `key_bytes` (1 to 8) surely fit `room` bytes of a WindowKey; at
/// least 1.
[[nodiscard]] std::size_t rails_that_fit(std::size_t key_bytes, std::size_t room);

/// nullopt where they do not fit.
[[nodiscard]] std::optional<WindowKey> write_keys(const WindowKeys& keys);
/// nullopt where these bytes are no such key of `rails` rails.
[[nodiscard]] std::optional<WindowKeys> read_keys(const WindowKey& key, std::size_t rails);

}  // namespace rlx::ofi
