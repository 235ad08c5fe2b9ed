#pragma once
// Network addresses of this machine, and which of them ranks on several machines should use.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rlx::ofi {

/// One address of an interface that is up.
struct Address {
  std::array<char, 16> interface {};     ///< "eth0"; empty for another rank's, which does not tell
  std::array<std::uint8_t, 16> bytes{};  ///< network byte order; 4 of them for IPv4
  std::uint8_t family = 0;               ///< 4, 6, or 0 for none
  std::uint8_t prefix = 0;               ///< bits of the subnet
  std::uint8_t loopback = 0;
  std::uint8_t link = 0;  ///< equal for the addresses of one interface of a machine

  [[nodiscard]] bool valid() const { return family != 0; }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string name() const { return interface.data(); }
  /// Whether the other address is in this one's subnet, which is as large for both.
  [[nodiscard]] bool same_subnet(const Address& other) const;
  [[nodiscard]] bool same_bytes(const Address& other) const {
    return family == other.family && bytes == other.bytes;
  }
};

/// Further ones are not considered.
inline constexpr std::size_t kAddresses = 13;
using Addresses = std::array<Address, kAddresses>;

/// The addresses of interfaces that are up: IPv4 before IPv6, in the system's order of interfaces,
/// no link-local ones. No more than fit PackedAddresses.
[[nodiscard]] Addresses local_addresses();

/// Addresses without names, as they are told to the other ranks: 13 of IPv4, or 5 of IPv6, or some
/// of both. A byte for family and loopback, one each for prefix and link, and the address's 4 or
/// 16. What does not fit is left out.
using PackedAddresses = std::array<std::uint8_t, 96>;
[[nodiscard]] PackedAddresses pack(const Addresses& addresses);
[[nodiscard]] Addresses unpack(const PackedAddresses& packed);

/// One rank as far as addresses go. Ranks with equal `network` reach each other by loopback.
struct Neighbour {
  Addresses addresses;
  std::uint32_t network = 0;
};

struct AddressChoice {
  Address address;     ///< mine; not valid where there is none
  std::string reason;  ///< why this one, or what is wrong
};

/// Which of rank `me`'s addresses to use. `asked` is RLX_INTERFACE of rank 0: an interface name, or
/// an address of rank 0 that stands for its subnet, or empty for
///   - loopback if all ranks share one network stack,
///   - else the first address of rank 0 whose subnet every rank has, and in which no two machines
///     have the same address (those are bridges inside each machine),
///   - else my first address that is not loopback.
/// Pure: the same for every caller with the same arguments.
[[nodiscard]] AddressChoice choose_address(std::span<const Neighbour> ranks, std::size_t me,
                                           std::string_view asked);

/// The same for each of `rails` rails. `asked` are taken in turn; where there are none and more
/// than one rail, the subnets that choose_address() would take one after the other, each of another
/// interface of rank 0, in turn. What there are fewer of than rails is used by several. Pure.
[[nodiscard]] std::vector<AddressChoice> choose_addresses(std::span<const Neighbour> ranks,
                                                          std::size_t me,
                                                          std::span<const std::string> asked,
                                                          std::size_t rails);

/// "eth0, eth1": the names in RLX_INTERFACE, without blanks around them; empty ones are left out.
[[nodiscard]] std::vector<std::string> names_in(std::string_view list);

}  // namespace rlx::ofi
