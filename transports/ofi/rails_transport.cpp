#include "transports/ofi/rails_transport.hpp"

#include <fmt/core.h>
#include <rdma/fi_errno.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/base/log.hpp"
#include "transports/ofi/capabilities.hpp"
#include "transports/ofi/shm_leftovers.hpp"
#include "transports/ofi/window_keys.hpp"

namespace rlx::ofi {

namespace {

std::string refused_registration(int error, std::size_t bytes) {
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  const std::string now = limit.rlim_cur == RLIM_INFINITY
                              ? std::string("unlimited")
                              : fmt::format("{} KiB", limit.rlim_cur / 1024);
  return fmt::format(
      "registering {} bytes failed: {} ({}); the limit of locked memory (ulimit -l) is {}, and "
      "{} KiB more are needed: raise it (ulimit -l unlimited, or memlock in limits.conf)",
      bytes, fi_strerror(error), error, now, (bytes + 1023) / 1024);
}

/// "tcp on eth0 at 10.0.0.1 and eth1 at 10.1.0.1", each place once.
std::string describe(const std::vector<OpenedRail>& rails) {
  std::vector<std::string> places;
  std::string text = fmt::format("{} on ", rails[0].endpoint.info().fabric_attr->prov_name);
  for (const OpenedRail& rail : rails) {
    if (std::ranges::find(places, rail.place) != places.end()) continue;
    text += (places.empty() ? "" : " and ") + rail.place;
    places.push_back(rail.place);
  }
  return rails.size() == 1 ? text : fmt::format("{} by {} rails", text, rails.size());
}

/// Whether memory can be registered for single calls: a registration that is bound to an endpoint
/// can not be closed before it, and keys must be short. Where we make them they are the numbers.
bool registers_for_calls(const Endpoint& endpoint, std::size_t rails) {
  if (endpoint.has_mode(FI_MR_ENDPOINT)) return false;
  const std::size_t key = endpoint.has_mode(FI_MR_PROV_KEY)
                              ? endpoint.info().domain_attr->mr_key_size
                              : sizeof(WindowNumber);
  return kWindowKeyHead + rails * key <= kCallKeyBytes;
}

}  // namespace

RailsTransport::RailsTransport(const TransportSetup& setup, std::vector<OpenedRail> rails)
    : SymmetricTransport(setup.rank, setup.size),
      capabilities_(capabilities_of(rails[0].endpoint, setup.size)),
      uses_shm_(core_name(rails[0].endpoint.info().fabric_attr->prov_name) == "shm"),
      watch_(detail::ProcessIdentity::mine()) {
  capabilities_.detail = capabilities_.fabric = describe(rails);
  if (rails.size() > 1) capabilities_.medium += fmt::format(", {} rails", rails.size());
  capabilities_.call_windows = registers_for_calls(rails[0].endpoint, rails.size());
  for (const fi_addr_t address : rails[0].addresses)
    reaches_.push_back(address != FI_ADDR_NOTAVAIL);
  for (OpenedRail& rail : rails) {
    const std::string place = rails.size() > 1 ? fmt::format(" (over {})", rail.place) : "";
    rails_.push_back(std::make_unique<Rail>(
        std::move(rail.endpoint), rail.addresses,
        [this, place](TransportFailure failure) { note(std::move(failure), place); }));
  }
}

void RailsTransport::set_lanes(std::vector<std::uint8_t> table, std::uint32_t links, double gain) {
  table_ = std::move(table);
  capabilities_.lanes = static_cast<std::uint32_t>(table_.size());
  if (moves_by_core(rails_[0]->endpoint())) return;
  capabilities_.links = links;
  capabilities_.gigabytes_per_second *= gain;
}

void RailsTransport::watch(std::span<const detail::ProcessIdentity> processes,
                           std::span<const RailNames> names) {
  const std::uint32_t format = rails_[0]->endpoint().info().addr_format;
  std::vector<ShmGuard::Member> members;
  for (std::size_t i = 0; i < processes.size(); ++i) {
    const Rank peer(static_cast<std::uint32_t>(i));
    if (reaches_[i]) watch_.add(peer, processes[i]);
    const auto& name = names[i][0];
    members.push_back({peer, processes[i], address_text(format, name.data(), name.size())});
  }
  if (uses_shm_) guard_.emplace(members, rank().index());
}

void RailsTransport::watch_sockets(std::span<const detail::ProcessIdentity> processes,
                                   std::span<const RailNames> names) {
  for (std::size_t i = 0; i < processes.size(); ++i) {
    if (!reaches_[i] || !processes[i].same_machine(processes[rank().index()])) continue;
    for (const auto& name : names[i]) sockets_.add(name);
  }
}

// Under the lock of the rail that failed, so the others are told later.
void RailsTransport::note(TransportFailure failure, const std::string& place) noexcept {
  const bool lost = failure.rank.has_value();
  failure.message += place;
  fail(std::move(failure));
  if (!lost || rails_.size() < 2) return;
  has_lost_.store(true, std::memory_order_release);
  to_spread_.store(true, std::memory_order_release);
}

void RailsTransport::spread_losses() noexcept {
  if (!to_spread_.exchange(false, std::memory_order_acq_rel)) return;
  for (std::uint32_t i = 0; i < size(); ++i)
    if (peer_failed(Rank(i))) give_up(Rank(i), fmt::format("rank {} was lost on a rail", i));
}

void RailsTransport::give_up(Rank rank, const std::string& message) noexcept {
  for (const auto& rail : rails_)
    if (!rail->has_failed(rank)) rail->give_up(rank, message);
}

bool RailsTransport::peer_failed(Rank rank) const noexcept {
  return rank.index() >= size() ||
         std::ranges::any_of(rails_, [&](const auto& rail) { return rail->has_failed(rank); });
}

NetworkTraffic RailsTransport::network_traffic(Rank rank) const noexcept {
  NetworkTraffic sum;
  if (rank.index() >= size()) return sum;
  for (const auto& rail : rails_) {
    const NetworkTraffic one = rail->traffic(rank);
    sum.operations += one.operations;
    sum.bytes += one.bytes;
  }
  return sum;
}

Issue RailsTransport::issue(Lane lane, const Request& request, Completion& completion) noexcept {
  if (request.remote.rank == rank()) return copy(request, completion);
  if (rails_.size() == 1) return rails_[0]->issue(request, completion);
  if (has_lost_.load(std::memory_order_acquire) && peer_failed(request.remote.rank))
    return Issue::failed;
  return rails_[table_[lane % table_.size()]]->issue(request, completion);
}

bool RailsTransport::progress() noexcept {
  bool moved = false;
  for (const auto& rail : rails_) moved |= rail->progress();
  if (to_spread_.load(std::memory_order_relaxed)) spread_losses();
  if (moved) return true;
  const std::unique_lock lock(watch_mutex_, std::try_to_lock);
  if (!lock) return false;
  if (reached() != seen_reached_) look_for_sockets();
  if (watch_.watched() > 0) look_for_deaths();
  return false;
}

std::size_t RailsTransport::reached() const noexcept {
  std::size_t sum = 0;
  for (const auto& rail : rails_) sum += rail->reached();
  return sum;
}

void RailsTransport::look_for_sockets() noexcept {
  seen_reached_ = reached();
  const std::size_t changed = sockets_.stop_pacing();
  if (changed > 0)
    log::debug("rank {}: {} connection(s) within this machine no longer pace", rank().value(),
               changed);
}

void RailsTransport::look_for_deaths() noexcept {
  for (const auto& [rank, pid] : watch_.poll(detail::PeerWatch::Clock::now())) {
    give_up(rank, fmt::format("process {} of rank {} has ended", pid, rank.value()));
    if (uses_shm_) remove_shm_files_of(pid);
  }
}

// To myself: no provider is needed, and not every one can.
Issue RailsTransport::copy(const Request& request, Completion& completion) noexcept {
  if (request.local.length > 0) {
    std::byte* const there = windows_[request.remote.window].data() + request.remote.offset;
    const bool reads = request.kind == OperationKind::get;
    std::memmove(reads ? request.local.data : there, reads ? there : request.local.data,
                 request.local.length);
  }
  if (request.kind == OperationKind::put_signal) {
    const auto signals = windows_[kSignalWindow];
    SignalRegion(signals.data(), SignalRegion::lines_of(signals.size()))
        .word(request.signal.index)
        .store(request.signal.value, std::memory_order_release);
  }
  completion.issued.fetch_add(1, std::memory_order_relaxed);
  if (capabilities_.delivery_complete) completion.remote.fetch_add(1, std::memory_order_release);
  completion.local.fetch_add(1, std::memory_order_release);
  return Issue::done;
}

bool RailsTransport::accept_signals(std::span<std::byte> memory) noexcept {
  if (capabilities_.protocol != SignalProtocol::completion_data) return true;
  const std::uint32_t lines = SignalRegion::lines_of(memory.size());
  if (lines > kMaxLines) {
    fail({ErrorKind::Transport, std::nullopt,
          fmt::format("a signal region of {} lines is too large for completion data, which names "
                      "at most {}",
                      lines, kMaxLines)});
    return false;
  }
  capabilities_.hash_bits = SignalCode::for_lines(lines).hash_bits;
  for (const auto& rail : rails_) rail->set_signals(SignalRegion(memory.data(), lines));
  return true;
}

void RailsTransport::refuse(int error, std::size_t bytes) noexcept {
  const bool memlock = error == FI_ENOMEM || error == FI_EAGAIN;
  fail({memlock ? ErrorKind::OutOfMemory : ErrorKind::Transport, std::nullopt,
        memlock ? refused_registration(error, bytes)
                : fmt::format("registering {} bytes failed: {} ({})", bytes, fi_strerror(error),
                              error)});
}

void RailsTransport::refuse_keys() noexcept {
  fail({ErrorKind::Transport, std::nullopt,
        fmt::format("the keys of a window on {} rails do not fit what is exchanged; set RLX_RAILS "
                    "to fewer",
                    rails_.size())});
}

std::optional<WindowNumber> RailsTransport::free_call_number() noexcept {
  if (!free_calls_.empty()) {
    const WindowNumber number = free_calls_.back();
    free_calls_.pop_back();
    return number;
  }
  if (next_call_ < kFirstCallWindow + kMostCallWindows) return next_call_++;
  fail({ErrorKind::Transport, std::nullopt,
        fmt::format("more than {} calls with private memory are under way; wait for some",
                    kMostCallWindows)});
  return std::nullopt;
}

std::optional<Window> RailsTransport::attach_call(std::span<std::byte> memory,
                                                  Endpoint::Use use) noexcept {
  const auto number = free_call_number();
  if (!number) return std::nullopt;
  WindowKeys keys{0, memory.size()};
  for (const auto& rail : rails_) {
    const auto registered = rail->attach_call(*number, memory, use);
    if (registered.error != 0) {
      refuse(registered.error, memory.size());
      detach(*number);
      return std::nullopt;
    }
    keys.base = registered.base;
    keys.add(registered.key);
  }
  const std::optional<WindowKey> key = write_keys(keys);
  if (key && key->length <= kCallKeyBytes) return Window{*number, *key};
  refuse_keys();
  detach(*number);
  return std::nullopt;
}

void RailsTransport::detach(WindowNumber number) noexcept {
  if (number < kFirstCallWindow || number >= next_call_) return;
  for (const auto& rail : rails_) rail->detach_call(number);
  free_calls_.push_back(number);
}

std::optional<Window> RailsTransport::attach(std::span<std::byte> memory,
                                             WindowRole role) noexcept {
  if (role == WindowRole::call) return attach_call(memory, Endpoint::Use::target);
  if (role == WindowRole::source) return attach_call(memory, Endpoint::Use::source);
  if (windows_.empty()) windows_.resize(1);  // number 0 is the signal region's
  const bool signals = role == WindowRole::signals;
  if (signals && !accept_signals(memory)) return std::nullopt;
  Window window;
  window.number = signals ? kSignalWindow : static_cast<WindowNumber>(windows_.size());
  WindowKeys keys{0, memory.size()};
  bool same_base = true;
  for (const auto& rail : rails_) {
    const auto registered = rail->add_region(memory);
    if (registered.error != 0) {
      refuse(registered.error, memory.size());
      return std::nullopt;
    }
    same_base = same_base && (keys.rails == 0 || registered.base == keys.base);
    keys.base = registered.base;
    keys.add(registered.key);
    rail->set_descriptor(window.number, registered.descriptor);
  }
  const std::optional<WindowKey> key = same_base ? write_keys(keys) : std::nullopt;
  if (!key) {
    refuse_keys();
    return std::nullopt;
  }
  window.key = *key;
  if (signals)
    windows_[kSignalWindow] = memory;
  else
    windows_.push_back(memory);
  return window;
}

bool RailsTransport::admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept {
  const auto keys = rank.index() < size() ? read_keys(key, rails_.size()) : std::nullopt;
  if (!keys) {
    fail({ErrorKind::Transport, std::nullopt,
          fmt::format("what came as the key of window {} of rank {} ({} bytes) is none for {} "
                      "rail(s)",
                      number, rank.value(), key.length, rails_.size())});
    return false;
  }
  for (std::size_t rail = 0; rail < rails_.size(); ++rail)
    rails_[rail]->admit(rank, number, {keys->base, keys->key[rail], keys->length});
  if (number < kFirstCallWindow) record_window(rank, number, keys->length);
  return true;
}

}  // namespace rlx::ofi
