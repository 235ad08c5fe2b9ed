#include "transports/ofi/records.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/fnv.hpp"

namespace rlx::ofi {

namespace {

/// `bytes` of each rank, one after the other; mine may be fewer.
Gathered exchange_padded(const TransportSetup& setup, std::span<const std::byte> mine,
                         std::size_t bytes) {
  std::vector<std::byte> padded(bytes);
  std::copy(mine.begin(), mine.end(), padded.begin());
  return setup.exchange(padded);
}

bool fits(const Report& report) {
  return report.rails == 1 && report.address_bytes <= Report::kAddressBytes;
}

}  // namespace

std::vector<std::string> exchange_texts(const TransportSetup& setup, std::string_view mine) {
  const auto lengths = exchange_records(setup, static_cast<std::uint64_t>(mine.size()));
  const std::size_t longest = *std::ranges::max_element(lengths);
  std::vector<std::string> texts(setup.size);
  if (longest == 0) return texts;
  const auto all = exchange_padded(setup, std::as_bytes(std::span(mine)), longest);
  for (std::size_t i = 0; i < texts.size(); ++i)
    texts[i].assign(reinterpret_cast<const char*>(all.data()) + i * longest, lengths[i]);
  return texts;
}

std::vector<RailNames> exchange_names(const TransportSetup& setup, std::span<const Report> reports,
                                      const RailNames& mine) {
  std::vector<RailNames> names(reports.size());
  if (std::ranges::all_of(reports, fits)) {
    for (std::size_t i = 0; i < reports.size(); ++i) {
      const auto* begin = reports[i].address.data();
      names[i].emplace_back(begin, begin + reports[i].address_bytes);
    }
    return names;
  }
  std::size_t longest = 0;
  for (const Report& report : reports)
    longest = std::max<std::size_t>(longest, std::size_t{report.rails} * report.address_bytes);
  std::vector<std::byte> joined;
  for (const auto& name : mine) joined.insert(joined.end(), name.begin(), name.end());
  const auto all = exchange_padded(setup, joined, longest);
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const std::byte* at = all.data() + i * longest;
    for (std::size_t rail = 0; rail < reports[i].rails; ++rail, at += reports[i].address_bytes)
      names[i].emplace_back(at, at + reports[i].address_bytes);
  }
  return names;
}

detail::ProcessIdentity identity_of(const Card& card, const detail::ProcessIdentity& me) {
  detail::ProcessIdentity identity;
  if (card.machine == detail::fnv1a(std::string_view(me.boot.data()))) {
    identity.boot = me.boot;
  } else {
    // No machine's: boot ids have other characters.
    const std::string elsewhere = fmt::format("number {:016x}", card.machine);
    std::copy(elsewhere.begin(), elsewhere.end(), identity.boot.begin());
  }
  identity.pid_namespace = card.pid_namespace;
  identity.net_namespace = card.net_namespace;
  identity.start_time = card.start_time;
  identity.pid = card.pid;
  return identity;
}

}  // namespace rlx::ofi
