#include "transports/ofi/endpoint.hpp"

#include <fmt/core.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_errno.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "rlx/error.hpp"

namespace rlx::ofi {

namespace {

constexpr std::size_t kMaxDepth = 1024;
constexpr std::size_t kMaxQueue = std::size_t{1} << 16;

void check(int result, const char* call, const Candidate& candidate) {
  if (result == 0) return;
  throw CollectiveError(
      ErrorKind::Transport, "ofi",
      fmt::format("{} of provider {} on {} failed: {} ({})", call, candidate.name(),
                  candidate.domain(), fi_strerror(-result), result));
}

// FI_MR_ALLOCATED: every page must exist when it is registered. Adding nothing writes a page
// without changing it, even while somebody else works on it.
void touch_pages(std::span<std::byte> memory) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto touch = [](std::byte& byte) {
    std::atomic_ref(reinterpret_cast<unsigned char&>(byte)).fetch_add(0, std::memory_order_relaxed);
  };
  for (std::size_t at = 0; at < memory.size(); at += page) touch(memory[at]);
  if (!memory.empty()) touch(memory.back());
}

}  // namespace

Endpoint::Endpoint(Fabric& fabric, Candidate candidate, std::size_t expected_data)
    : candidate_(std::move(candidate)),
      depth_(std::clamp<std::size_t>(info().tx_attr->size, 4, kMaxDepth)) {
  fi_info* info = candidate_.info.get();
  fid_fabric* opened = nullptr;
  check(fabric.open(info->fabric_attr, &opened), "fi_fabric", candidate_);
  fabric_.reset(opened);

  fid_domain* domain = nullptr;
  check(fi_domain(fabric_.get(), info, &domain, nullptr), "fi_domain", candidate_);
  domain_.reset(domain);

  fi_cq_attr queue_attributes{};
  queue_attributes.size = std::min(2 * depth_ + expected_data, kMaxQueue);
  queue_attributes.format = FI_CQ_FORMAT_DATA;
  queue_attributes.wait_obj = FI_WAIT_NONE;
  fid_cq* queue = nullptr;
  check(fi_cq_open(domain_.get(), &queue_attributes, &queue, nullptr), "fi_cq_open", candidate_);
  queue_.reset(queue);

  fi_av_attr vector_attributes{};
  vector_attributes.type = FI_AV_UNSPEC;
  fid_av* addresses = nullptr;
  check(fi_av_open(domain_.get(), &vector_attributes, &addresses, nullptr), "fi_av_open",
        candidate_);
  addresses_.reset(addresses);
  open_endpoint();
}

void Endpoint::open_endpoint() {
  fid_ep* endpoint = nullptr;
  check(fi_endpoint(domain_.get(), candidate_.info.get(), &endpoint, nullptr), "fi_endpoint",
        candidate_);
  endpoint_.reset(endpoint);
  check(fi_ep_bind(endpoint, &addresses_->fid, 0), "fi_ep_bind of the address vector", candidate_);
  // Also for receives: several providers move a target's incoming writes only so.
  check(fi_ep_bind(endpoint, &queue_->fid, FI_TRANSMIT | FI_RECV), "fi_ep_bind of the queue",
        candidate_);
  check(fi_enable(endpoint), "fi_enable", candidate_);
}

std::vector<std::byte> Endpoint::name() const {
  std::size_t length = 0;
  fi_getname(&endpoint_->fid, nullptr, &length);
  std::vector<std::byte> bytes(std::max<std::size_t>(length, 1));
  length = bytes.size();
  check(fi_getname(&endpoint_->fid, bytes.data(), &length), "fi_getname", candidate_);
  bytes.resize(length);
  return bytes;
}

fi_addr_t Endpoint::insert(std::span<const std::byte> address) {
  fi_addr_t inserted = FI_ADDR_UNSPEC;
  const int count = fi_av_insert(addresses_.get(), address.data(), 1, &inserted, 0, nullptr);
  if (count != 1) check(count < 0 ? count : -FI_EADDRNOTAVAIL, "fi_av_insert", candidate_);
  return inserted;
}

Endpoint::Registered Endpoint::add_region(std::span<std::byte> memory) noexcept {
  if (has_mode(FI_MR_ALLOCATED)) touch_pages(memory);
  RegionPtr region;
  const Registered registered = register_with(
      memory, FI_WRITE | FI_READ | FI_REMOTE_WRITE | FI_REMOTE_READ, regions_.size() + 1, region);
  if (region) regions_.push_back(std::move(region));
  return registered;
}

Endpoint::Registered Endpoint::make_region(std::span<std::byte> memory, Use use,
                                           std::uint64_t wanted_key, RegionPtr& region) noexcept {
  // Sources have been written by the program, and may not be writable.
  if (use == Use::target && has_mode(FI_MR_ALLOCATED)) touch_pages(memory);
  return register_with(memory, use == Use::source ? FI_WRITE : FI_WRITE | FI_REMOTE_WRITE,
                       wanted_key, region);
}

Endpoint::Registered Endpoint::register_with(std::span<std::byte> memory, std::uint64_t access,
                                             std::uint64_t wanted_key, RegionPtr& region) noexcept {
  fid_mr* made = nullptr;
  // The key is ignored where the provider makes the keys.
  int result = fi_mr_reg(domain_.get(), memory.data(), memory.size(), access, 0, wanted_key, 0,
                         &made, nullptr);
  if (result != 0) return {-result};
  region.reset(made);
  if (has_mode(FI_MR_ENDPOINT)) {
    result = fi_mr_bind(made, &endpoint_->fid, 0);
    if (result == 0) result = fi_mr_enable(made);
    if (result != 0) return {-result};
  }
  const auto address = reinterpret_cast<std::uint64_t>(memory.data());
  return {0, fi_mr_desc(made), fi_mr_key(made), has_mode(FI_MR_VIRT_ADDR) ? address : 0};
}

}  // namespace rlx::ofi
