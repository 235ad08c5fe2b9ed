#pragma once
// What ranks tell each other while a transport is made. Every rank receives everybody's, so records
// are short and hold no text: texts travel only where some rank failed or differs, which all ranks
// see from the records.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rlx/error.hpp"
#include "transports/common/process_identity.hpp"
#include "transports/ofi/interfaces.hpp"
#include "transports/ofi/rail_shares.hpp"
#include "transports/transports.hpp"

namespace rlx::ofi {

/// What a rank tells first. Bytes on the wire.
struct Card {
  std::uint64_t machine = 0;  ///< fnv1a() of the kernel's boot id
  std::uint64_t pid_namespace = 0;
  std::uint64_t net_namespace = 0;
  std::uint64_t start_time = 0;
  std::uint64_t asked = 0;  ///< fnv1a() of provider, interface and rails asked for
  std::int32_t pid = 0;
  std::uint32_t preferred = 0;  ///< preferred_mask() of what it has
  PackedAddresses addresses{};
};

/// What a rank tells next. Bytes on the wire.
struct Report {
  static constexpr std::size_t kAddressBytes = 28;  ///< an IPv6 address, for one rail

  std::uint64_t provider = 0;            ///< fnv1a() of its full name
  ErrorKind kind = ErrorKind::Internal;  ///< where `opened` is 0
  SignalProtocol protocol = SignalProtocol::ordered_write;
  std::uint8_t opened = 0;
  std::uint8_t rails = 1;
  std::uint32_t interfaces = 0;     ///< pack_interfaces() of its rails, as it sees them
  std::uint16_t address_bytes = 0;  ///< of one rail, the same for all
  std::array<std::byte, kAddressBytes> address{};  ///< with one rail, where it fits
};
static_assert(sizeof(Card) + sizeof(Report) <= 250);

/// The endpoint addresses of one rank, all rails'.
using RailNames = std::vector<std::vector<std::byte>>;

/// One record of each rank, in rank order. Collective.
template <class T>
[[nodiscard]] Records<T> exchange_records(const TransportSetup& setup, const T& mine) {
  return Records<T>(setup.exchange(std::as_bytes(std::span(&mine, 1))));
}

/// One text of each rank, however long, in rank order. Collective.
[[nodiscard]] std::vector<std::string> exchange_texts(const TransportSetup& setup,
                                                      std::string_view mine);

/// By rank, the addresses of its rails: from the reports where they fit there, else by one more
/// exchange, which all ranks take part in. Collective.
[[nodiscard]] std::vector<RailNames> exchange_names(const TransportSetup& setup,
                                                    std::span<const Report> reports,
                                                    const RailNames& mine);

/// The process that a card speaks of, without the name of its host. `me` is the one who reads it.
[[nodiscard]] detail::ProcessIdentity identity_of(const Card& card,
                                                  const detail::ProcessIdentity& me);

}  // namespace rlx::ofi
