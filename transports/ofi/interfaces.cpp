#include "transports/ofi/interfaces.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <memory>

namespace rlx::ofi {

namespace {

std::uint8_t prefix_of(const std::uint8_t* mask, std::size_t bytes) {
  unsigned bits = 0;
  for (std::size_t i = 0; i < bytes; ++i) bits += std::popcount(mask[i]);
  return static_cast<std::uint8_t>(bits);
}

Address read_address(const ifaddrs& entry) {
  Address address;
  const auto copy = [&](const void* bytes, const void* mask, std::size_t length) {
    std::memcpy(address.bytes.data(), bytes, length);
    address.prefix = prefix_of(static_cast<const std::uint8_t*>(mask), length);
  };
  if (entry.ifa_addr->sa_family == AF_INET) {
    address.family = 4;
    copy(&reinterpret_cast<const sockaddr_in*>(entry.ifa_addr)->sin_addr,
         &reinterpret_cast<const sockaddr_in*>(entry.ifa_netmask)->sin_addr, 4);
  } else {
    const auto& ip = reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr)->sin6_addr;
    if (IN6_IS_ADDR_LINKLOCAL(&ip)) return {};
    address.family = 6;
    copy(&ip, &reinterpret_cast<const sockaddr_in6*>(entry.ifa_netmask)->sin6_addr, 16);
  }
  address.loopback = (entry.ifa_flags & IFF_LOOPBACK) != 0;
  std::strncpy(address.interface.data(), entry.ifa_name, address.interface.size() - 1);
  address.link = static_cast<std::uint8_t>(::if_nametoindex(entry.ifa_name));
  return address;
}

bool usable(const ifaddrs& entry) {
  if (entry.ifa_addr == nullptr || entry.ifa_netmask == nullptr) return false;
  const int family = entry.ifa_addr->sa_family;
  const unsigned wanted = IFF_UP | IFF_RUNNING;
  return (family == AF_INET || family == AF_INET6) && (entry.ifa_flags & wanted) == wanted;
}

std::string list(const Addresses& addresses) {
  std::string text;
  for (const Address& address : addresses) {
    if (!address.valid()) continue;
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", address.text(), address.name());
  }
  return text.empty() ? "none" : text;
}

template <class Predicate>
Address first_where(const Addresses& addresses, Predicate wanted) {
  const auto found = std::find_if(addresses.begin(), addresses.end(), [&](const Address& address) {
    return address.valid() && wanted(address);
  });
  return found == addresses.end() ? Address{} : *found;
}

Address in_subnet(const Neighbour& rank, const Address& subnet) {
  return first_where(rank.addresses,
                     [&](const Address& address) { return subnet.same_subnet(address); });
}

AddressChoice asked_for(std::span<const Neighbour> ranks, std::size_t me, std::string_view asked) {
  const Address subnet =
      first_where(ranks[0].addresses, [&](const Address& a) { return a.text() == asked; });
  const Address mine =
      subnet.valid()
          ? in_subnet(ranks[me], subnet)
          : first_where(ranks[me].addresses, [&](const Address& a) { return a.name() == asked; });
  if (mine.valid()) return {mine, fmt::format("RLX_INTERFACE={}", asked)};
  return {{},
          fmt::format("RLX_INTERFACE={} is no interface here, nor an address of rank 0 in whose "
                      "subnet this rank has one; it has {}",
                      asked, list(ranks[me].addresses))};
}

// Whether every rank has an address there, and machines have different ones.
bool common(std::span<const Neighbour> ranks, const Address& subnet) {
  std::map<std::array<std::uint8_t, 16>, std::uint32_t> network_of;
  for (const Neighbour& rank : ranks) {
    const Address address = in_subnet(rank, subnet);
    if (!address.valid()) return false;
    const auto known = network_of.emplace(address.bytes, rank.network);
    if (known.first->second != rank.network) return false;
  }
  return true;
}

/// Rank 0's addresses in the subnets that all ranks have one in: the first of each interface. All
/// of one family, because a second one is only another name of the same wire.
std::vector<Address> common_subnets(std::span<const Neighbour> ranks) {
  std::vector<Address> found;
  for (const Address& subnet : ranks[0].addresses) {
    if (!subnet.valid() || subnet.loopback != 0) continue;
    const bool other = std::ranges::none_of(found, [&](const Address& known) {
      return known.link == subnet.link || known.family != subnet.family ||
             known.same_subnet(subnet);
    });
    if (other && common(ranks, subnet)) found.push_back(subnet);
  }
  return found;
}

std::size_t bytes_of(std::uint8_t family) { return family == 4 ? 4 : 16; }

constexpr std::uint8_t kLoopback = 0x80;
constexpr std::size_t kHead = 3;  // family and loopback, prefix, link

}  // namespace

PackedAddresses pack(const Addresses& addresses) {
  PackedAddresses packed{};
  std::size_t at = 0;
  for (const Address& address : addresses) {
    const std::size_t bytes = bytes_of(address.family);
    if (!address.valid() || at + kHead + bytes > packed.size()) continue;
    packed[at++] = address.family | (address.loopback != 0 ? kLoopback : std::uint8_t{0});
    packed[at++] = address.prefix;
    packed[at++] = address.link;
    std::copy_n(address.bytes.begin(), bytes, packed.begin() + static_cast<std::ptrdiff_t>(at));
    at += bytes;
  }
  return packed;
}

Addresses unpack(const PackedAddresses& packed) {
  Addresses addresses{};
  std::size_t at = 0;
  for (Address& address : addresses) {
    if (at + kHead > packed.size() || packed[at] == 0) break;
    address.family = packed[at] & static_cast<std::uint8_t>(~kLoopback);
    address.loopback = (packed[at] & kLoopback) != 0;
    address.prefix = packed[at + 1];
    address.link = packed[at + 2];
    const std::size_t bytes = bytes_of(address.family);
    std::copy_n(packed.begin() + static_cast<std::ptrdiff_t>(at + kHead), bytes,
                address.bytes.begin());
    at += kHead + bytes;
  }
  return addresses;
}

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes.data(), buffer, sizeof buffer);
  return buffer;
}

bool Address::same_subnet(const Address& other) const {
  if (family != other.family || prefix != other.prefix) return false;
  const unsigned whole = prefix / 8;
  if (std::memcmp(bytes.data(), other.bytes.data(), whole) != 0) return false;
  if (prefix % 8 == 0) return true;
  return ((bytes[whole] ^ other.bytes[whole]) >> (8 - prefix % 8)) == 0;
}

Addresses local_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, ::freeifaddrs);
  std::vector<Address> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (!usable(*entry)) continue;
    if (const Address address = read_address(*entry); address.valid()) found.push_back(address);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Address& a, const Address& b) { return a.family < b.family; });
  Addresses first{};
  std::copy_n(found.begin(), std::min(found.size(), first.size()), first.begin());
  const Addresses told = unpack(pack(first));
  for (std::size_t i = 0; i < first.size(); ++i)
    if (!told[i].valid()) first[i] = {};
  return first;
}

AddressChoice choose_address(std::span<const Neighbour> ranks, std::size_t me,
                             std::string_view asked) {
  if (!asked.empty()) return asked_for(ranks, me, asked);
  const bool together = std::all_of(ranks.begin(), ranks.end(), [&](const Neighbour& rank) {
    return rank.network == ranks[0].network;
  });
  const auto loops = [](const Address& a) { return a.loopback != 0; };
  if (together) {
    const Address loopback = first_where(ranks[me].addresses, loops);
    if (loopback.valid()) return {loopback, "all ranks are on one node"};
  }
  if (const auto subnets = common_subnets(ranks); !subnets.empty())
    return {in_subnet(ranks[me], subnets[0]), "every rank has an address in this subnet"};
  const Address first =
      first_where(ranks[me].addresses, [&](const Address& a) { return !loops(a); });
  if (first.valid()) return {first, "no subnet is common to all ranks: the first that is up"};
  return {{}, "no network address but loopback, and the ranks are on several nodes"};
}

std::vector<AddressChoice> choose_addresses(std::span<const Neighbour> ranks, std::size_t me,
                                            std::span<const std::string> asked, std::size_t rails) {
  std::vector<AddressChoice> choices;
  for (const std::string& name : asked) choices.push_back(asked_for(ranks, me, name));
  if (choices.empty()) choices.push_back(choose_address(ranks, me, ""));
  const Address& first = choices[0].address;
  const bool more = asked.empty() && rails > 1 && first.valid() && first.loopback == 0;
  if (more) {
    const auto subnets = common_subnets(ranks);
    for (std::size_t i = 1; i < std::min(subnets.size(), rails); ++i)
      choices.push_back({in_subnet(ranks[me], subnets[i]), choices[0].reason});
  }
  const std::size_t several = choices.size();
  for (std::size_t i = several; i < rails; ++i) choices.push_back(choices[i % several]);
  return choices;
}

std::vector<std::string> names_in(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), name.size() + 1));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

}  // namespace rlx::ofi
