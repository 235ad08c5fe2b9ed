#include "transports/ofi/provider.hpp"

#include <fmt/core.h>
#include <rdma/fi_errno.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "rlx/error.hpp"

namespace rlx::ofi {

namespace {

InfoPtr make_hints(std::string_view provider, std::uint64_t order) {
  InfoPtr hints(fi_allocinfo());
  if (!hints) throw CollectiveError(ErrorKind::OutOfMemory, "ofi", "no memory for fi_info");
  hints->caps = FI_RMA;
  hints->mode = FI_CONTEXT | FI_CONTEXT2;
  hints->ep_attr->type = FI_EP_RDM;
  hints->tx_attr->msg_order = order;
  hints->domain_attr->mr_mode =
      FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_ENDPOINT;
  // One lock of the transport covers all calls on a domain, so the provider needs none.
  hints->domain_attr->threading = FI_THREAD_DOMAIN;
  hints->domain_attr->control_progress = FI_PROGRESS_MANUAL;
  hints->domain_attr->data_progress = FI_PROGRESS_MANUAL;
  hints->domain_attr->resource_mgmt = FI_RM_ENABLED;
  if (!provider.empty())
    hints->fabric_attr->prov_name = ::strndup(provider.data(), provider.size());
  return hints;
}

std::vector<InfoPtr> getinfo(Fabric& fabric, const fi_info& hints, const char* address) {
  fi_info* list = nullptr;
  const int error = fabric.getinfo(address, address != nullptr ? FI_SOURCE : 0, &hints, &list);
  const InfoPtr owner(list);
  std::vector<InfoPtr> entries;
  if (error != 0) return entries;
  for (const fi_info* entry = list; entry != nullptr; entry = entry->next)
    entries.emplace_back(fi_dupinfo(entry));
  return entries;
}

bool matches(std::string_view found, std::string_view asked) {
  return asked.empty() || found == asked || core_name(found) == asked;
}

bool is_hook(std::string_view name) {
  return name.find("ofi_hook") != name.npos || name.find("mrail") != name.npos;
}

// With an address the library answers for IP providers only, and perhaps for none.
std::vector<Candidate> find_at(Fabric& fabric, const Query& query, const char* address) {
  std::vector<Candidate> found;
  for (const std::uint64_t order : {std::uint64_t{FI_ORDER_WAW}, std::uint64_t{0}}) {
    const std::size_t ordered = order != 0 ? 0 : found.size();
    const InfoPtr hints = make_hints(query.provider, order);
    for (InfoPtr& info : getinfo(fabric, *hints, address)) {
      const std::string_view name = info->fabric_attr->prov_name;
      if (is_hook(name) || !matches(name, query.provider)) continue;
      const bool known =
          std::any_of(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(ordered),
                      [&](const Candidate& c) { return c.name() == name && c.protocol.possible; });
      if (known) continue;
      auto protocol = choose_protocol(*info, query.protocol);
      found.push_back({std::move(info), std::move(protocol)});
    }
  }
  return found;
}

// Whether the library knows the name at all, with whatever abilities.
bool exists(Fabric& fabric, std::string_view provider) {
  InfoPtr hints = make_hints(provider, 0);
  hints->caps = 0;
  hints->mode = ~std::uint64_t{0};
  hints->ep_attr->type = FI_EP_UNSPEC;
  hints->domain_attr->mr_mode = ~3;  // every mode, but not the two old all-in-one constants
  hints->domain_attr->threading = FI_THREAD_UNSPEC;
  hints->domain_attr->control_progress = FI_PROGRESS_UNSPEC;
  hints->domain_attr->data_progress = FI_PROGRESS_UNSPEC;
  hints->domain_attr->resource_mgmt = FI_RM_UNSPEC;
  return !getinfo(fabric, *hints, nullptr).empty();
}

[[noreturn]] void throw_missing(Fabric& fabric, const Wish& wish) {
  const std::string usable = usable_names(find_candidates(fabric, {}));
  if (exists(fabric, wish.provider)) {
    throw CollectiveError(ErrorKind::Unsupported, "ofi",
                          fmt::format("provider \"{}\" has no reliable endpoints with one-sided "
                                      "writes (FI_RMA on FI_EP_RDM); usable here: {}; set "
                                      "RLX_PROVIDER to one of them",
                                      wish.provider, usable));
  }
  throw CollectiveError(
      ErrorKind::InvalidArgument, "ofi",
      fmt::format("no libfabric provider \"{}\" here; usable: {}; set RLX_PROVIDER to one of them",
                  wish.provider, usable));
}

// Of a provider with IP addresses: the entry that binds the address wished for.
std::size_t pick_address(std::span<const Candidate> candidates, const Wish& wish) {
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const fi_info& info = *candidates[i].info;
    if (address_text(info.addr_format, info.src_addr, info.src_addrlen) == wish.address) return i;
  }
  if (wish.interface.empty() && wish.problem.empty()) return 0;
  throw CollectiveError(ErrorKind::InvalidArgument, "ofi",
                        wish.problem.empty()
                            ? fmt::format("provider {} can not use address {} (RLX_INTERFACE={})",
                                          candidates.front().name(), wish.address, wish.interface)
                            : wish.problem);
}

// Which of several domains of one provider.
std::size_t pick(std::span<const Candidate> candidates, const Wish& wish) {
  const auto& first = candidates.front();
  if (has_ip_address(*first.info)) return pick_address(candidates, wish);
  if (!wish.interface.empty()) {
    std::string domains;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (candidates[i].domain() == wish.interface) return i;
      domains += (domains.empty() ? "" : ", ") + candidates[i].domain();
    }
    throw CollectiveError(ErrorKind::InvalidArgument, "ofi",
                          fmt::format("RLX_INTERFACE={} is no domain of provider {}, which has {}",
                                      wish.interface, first.name(), domains));
  }
  const std::string_view core = core_name(first.info->fabric_attr->prov_name);
  if (core != "efa" && core != "cxi") return 0;
  std::vector<std::size_t> equal;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto& other = candidates[i];
    if (std::strcmp(other.info->fabric_attr->name, first.info->fabric_attr->name) == 0 &&
        other.protocol.possible)
      equal.push_back(i);
  }
  return equal.empty() ? 0 : equal[wish.place % equal.size()];
}

}  // namespace

std::vector<Candidate> find_candidates(Fabric& fabric, const Query& query) {
  auto found = find_at(fabric, query, query.address);
  if (found.empty() && query.address != nullptr) found = find_at(fabric, query, nullptr);
  // 1.16 and 1.17 call tcp's own reliable endpoints "net", later ones "tcp".
  if (found.empty() && query.provider == "net") {
    Query later = query;
    later.provider = "tcp";
    return find_candidates(fabric, later);
  }
  return found;
}

std::uint32_t preferred_mask(std::span<const Candidate> candidates) {
  std::uint32_t mask = 0;
  for (const Candidate& candidate : candidates) {
    const auto* known = std::find(std::begin(kPreferred), std::end(kPreferred), candidate.name());
    if (known != std::end(kPreferred) && candidate.protocol.possible)
      mask |= 1u << (known - std::begin(kPreferred));
  }
  return mask;
}

std::string_view preferred_name(std::uint32_t mask) {
  for (std::size_t i = 0; i < std::size(kPreferred); ++i) {
    if ((mask >> i & 1u) != 0) return kPreferred[i];
  }
  return {};
}

bool has_ip_address(const fi_info& info) {
  return info.addr_format == FI_SOCKADDR || info.addr_format == FI_SOCKADDR_IN ||
         info.addr_format == FI_SOCKADDR_IN6;
}

Candidate select_candidate(Fabric& fabric, const Wish& wish) {
  auto candidates = find_candidates(fabric, {.provider = wish.provider, .protocol = wish.protocol});
  if (candidates.empty()) throw_missing(fabric, wish);
  if (has_ip_address(*candidates.front().info) && !wish.address.empty()) {
    candidates = find_candidates(
        fabric,
        {.provider = wish.provider, .address = wish.address.c_str(), .protocol = wish.protocol});
  }
  Candidate chosen = std::move(candidates[pick(candidates, wish)]);
  if (!chosen.protocol.possible) {
    throw CollectiveError(
        ErrorKind::Unsupported, "ofi",
        fmt::format("provider \"{}\" can not be used: {}", wish.provider, chosen.protocol.reason));
  }
  return chosen;
}

std::string usable_names(std::span<const Candidate> candidates) {
  std::vector<std::string> names;
  std::string text;
  for (const Candidate& candidate : candidates) {
    const std::string name = candidate.name();
    if (!candidate.protocol.possible || std::find(names.begin(), names.end(), name) != names.end())
      continue;
    names.push_back(name);
    text += (text.empty() ? "" : ", ") + name;
  }
  return text.empty() ? "none" : text;
}

}  // namespace rlx::ofi
