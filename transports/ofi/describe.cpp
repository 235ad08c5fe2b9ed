#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "transports/ofi/provider.hpp"
#include "transports/ofi/provider_info.hpp"

namespace rlx::ofi {

namespace {

using Names = std::span<const std::pair<std::uint64_t, const char*>>;

constexpr std::pair<std::uint64_t, const char*> kOrders[] = {
    {FI_ORDER_RAR, "RAR"},         {FI_ORDER_RAW, "RAW"},         {FI_ORDER_RAS, "RAS"},
    {FI_ORDER_WAR, "WAR"},         {FI_ORDER_WAW, "WAW"},         {FI_ORDER_WAS, "WAS"},
    {FI_ORDER_SAR, "SAR"},         {FI_ORDER_SAW, "SAW"},         {FI_ORDER_SAS, "SAS"},
    {FI_ORDER_RMA_RAR, "RMA_RAR"}, {FI_ORDER_RMA_RAW, "RMA_RAW"}, {FI_ORDER_RMA_WAR, "RMA_WAR"},
    {FI_ORDER_RMA_WAW, "RMA_WAW"}};
constexpr std::pair<std::uint64_t, const char*> kModes[] = {
    {FI_MR_LOCAL, "LOCAL"},         {FI_MR_RAW, "RAW"},
    {FI_MR_VIRT_ADDR, "VIRT_ADDR"}, {FI_MR_ALLOCATED, "ALLOCATED"},
    {FI_MR_PROV_KEY, "PROV_KEY"},   {FI_MR_ENDPOINT, "ENDPOINT"},
    {FI_MR_HMEM, "HMEM"},           {FI_MR_MMU_NOTIFY, "MMU_NOTIFY"}};

std::vector<std::string> names_of(std::uint64_t bits, Names names) {
  std::vector<std::string> found;
  for (const auto& [bit, name] : names) {
    if ((bits & bit) != 0) found.emplace_back(name);
  }
  return found;
}

ProviderInfo describe(const Candidate& candidate) {
  const fi_info& info = *candidate.info;
  ProviderInfo row;
  row.name = candidate.name();
  row.domain = candidate.domain();
  row.address = address_text(info.addr_format, info.src_addr, info.src_addrlen);
  row.order = names_of(info.tx_attr->msg_order, kOrders);
  row.ordered_bytes = info.ep_attr->max_order_waw_size;
  row.memory = names_of(static_cast<std::uint64_t>(info.domain_attr->mr_mode), kModes);
  row.completion_data_bytes = info.domain_attr->cq_data_size;
  row.progress = info.domain_attr->data_progress == FI_PROGRESS_AUTO ? "auto" : "manual";
  row.inject_bytes = info.tx_attr->inject_size;
  row.largest_write = info.ep_attr->max_msg_size;
  row.queue_depth = info.tx_attr->size;
  row.usable = candidate.protocol.possible;
  row.protocol = candidate.protocol.protocol;
  row.reason = candidate.protocol.reason;
  return row;
}

std::size_t preference(const std::string& name) {
  return static_cast<std::size_t>(std::find(std::begin(kPreferred), std::end(kPreferred), name) -
                                  std::begin(kPreferred));
}

}  // namespace

std::string address_text(std::uint32_t format, const void* address, std::size_t length) {
  if (address == nullptr || length == 0) return {};
  if (format == FI_ADDR_STR) return static_cast<const char*>(address);
  char buffer[INET6_ADDRSTRLEN] = {};
  const auto* ip = static_cast<const sockaddr*>(address);
  if (format == FI_SOCKADDR || format == FI_SOCKADDR_IN || format == FI_SOCKADDR_IN6) {
    const void* bytes =
        ip->sa_family == AF_INET6
            ? static_cast<const void*>(&static_cast<const sockaddr_in6*>(address)->sin6_addr)
            : &static_cast<const sockaddr_in*>(address)->sin_addr;
    return inet_ntop(ip->sa_family, bytes, buffer, sizeof buffer) != nullptr ? buffer : "";
  }
  return {};
}

std::vector<ProviderInfo> describe_providers(Fabric& fabric) {
  const auto candidates = find_candidates(fabric, {});
  const std::string_view preferred = preferred_name(preferred_mask(candidates));
  std::vector<ProviderInfo> rows;
  for (const Candidate& candidate : candidates) {
    ProviderInfo row = describe(candidate);
    row.preferred = row.name == preferred;
    const bool repeated = std::any_of(rows.begin(), rows.end(), [&](const ProviderInfo& other) {
      return other.name == row.name && other.domain == row.domain && other.address == row.address;
    });
    if (!repeated) rows.push_back(std::move(row));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const ProviderInfo& a, const ProviderInfo& b) {
    return preference(a.name) < preference(b.name);
  });
  return rows;
}

std::vector<ProviderInfo> describe_providers() { return describe_providers(Fabric::system()); }

}  // namespace rlx::ofi
