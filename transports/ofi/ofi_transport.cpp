#include "transports/ofi/ofi_transport.hpp"

#include <fmt/core.h>
#include <rdma/fi_errno.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "lib/base/log.hpp"
#include "transports/common/peer_watch.hpp"
#include "transports/ofi/local_sockets.hpp"
#include "transports/ofi/rail.hpp"
#include "transports/ofi/shm_guard.hpp"
#include "transports/ofi/shm_leftovers.hpp"
#include "transports/ofi/wiring.hpp"

namespace rlx {

namespace {

using namespace ofi;

TransportCapabilities capabilities_of(const Endpoint& endpoint, std::size_t ranks) {
  struct Speed {
    std::string_view core;
    double latency_us;
    double message_us;
    double gigabytes_per_second;
  };
  // tcp and shm were measured, the others are what their makers and users report.
  constexpr Speed kSpeeds[] = {
      {"tcp", 2, 3, 4.5},      {"net", 2, 3, 4.5},      {"shm", 0.8, 0.4, 8},
      {"verbs", 1.3, 0.2, 12}, {"efa", 13, 1, 12},      {"cxi", 1.8, 0.2, 25},
      {"opx", 1.5, 0.5, 12},   {"psm3", 1.5, 0.5, 12},  {"psm2", 1.5, 0.5, 12},
      {"udp", 8, 4, 0.6},      {"sockets", 40, 10, 0.5}};
  const std::string_view name = endpoint.info().fabric_attr->prov_name;
  const std::string_view core = core_name(name);
  const ProtocolChoice& protocol = endpoint.protocol();
  TransportCapabilities offered;
  offered.name = "ofi";
  offered.medium = name;
  offered.protocol = protocol.protocol;
  offered.inline_bytes = protocol.inject_bytes;
  offered.max_put_bytes = protocol.chunk_bytes;
  offered.delivery_complete = protocol.protocol == SignalProtocol::delivery_complete;
  offered.local_registration = endpoint.has_mode(FI_MR_LOCAL);
  // The adapter itself writes these; every other provider works in the target's calls.
  offered.passive_target =
      (core == "verbs" || core == "cxi") && protocol.protocol != SignalProtocol::completion_data;
  if (protocol.protocol == SignalProtocol::completion_data) offered.hash_bits = 8;
  offered.load_store.assign(ranks, false);
  for (const Speed& speed : kSpeeds) {
    if (speed.core != core) continue;
    offered.latency_us = speed.latency_us;
    offered.message_us = speed.message_us;
    offered.gigabytes_per_second = speed.gigabytes_per_second;
  }
  return offered;
}

/// The opaque bytes of a WindowKey.
struct KeyBytes {
  std::uint64_t base = 0;
  std::uint64_t key = 0;
  std::uint64_t length = 0;
};

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

class OfiTransport final : public SymmetricTransport {
 public:
  OfiTransport(const TransportSetup& setup, Endpoint endpoint, std::span<const fi_addr_t> addresses,
               std::string detail)
      : SymmetricTransport(setup.rank, setup.size),
        capabilities_(capabilities_of(endpoint, setup.size)),
        uses_shm_(core_name(endpoint.info().fabric_attr->prov_name) == "shm"),
        watch_(detail::ProcessIdentity::mine()),
        rail_(std::move(endpoint), addresses,
              [this](TransportFailure failure) { fail(std::move(failure)); }) {
    capabilities_.fabric = detail;
    capabilities_.detail = std::move(detail);
  }

  /// Learns of deaths from this machine's kernel from now on, if they are those of peers that it
  /// reaches.
  void watch(std::span<const Card> cards, std::span<const Report> reports,
             std::span<const fi_addr_t> addresses) {
    std::vector<ShmGuard::Member> members;
    for (std::size_t i = 0; i < cards.size(); ++i) {
      const Rank peer(static_cast<std::uint32_t>(i));
      if (addresses[i] != FI_ADDR_NOTAVAIL) watch_.add(peer, cards[i].identity);
      const auto name = std::span(reports[i].address).first(reports[i].address_length);
      members.push_back(
          {peer, cards[i].identity,
           address_text(rail_.endpoint().info().addr_format, name.data(), name.size())});
    }
    if (uses_shm_) guard_.emplace(members, rank().index());
  }

  /// Frees the connections within this machine from pacing, once they are made.
  void watch_sockets(std::span<const Card> cards, std::span<const Report> reports,
                     std::span<const fi_addr_t> addresses) {
    for (std::size_t i = 0; i < cards.size(); ++i) {
      if (addresses[i] != FI_ADDR_NOTAVAIL &&
          cards[i].identity.same_machine(cards[rank().index()].identity))
        sockets_.add(std::span(reports[i].address).first(reports[i].address_length));
    }
  }

  Issue put(Lane, RemoteRef to, LocalRef from, Completion& completion) noexcept override {
    return issue({OperationKind::put, to, from, {}}, completion);
  }
  Issue put_signal(Lane, RemoteRef to, LocalRef from, Signal signal,
                   Completion& completion) noexcept override {
    return issue({OperationKind::put_signal, to, from, signal}, completion);
  }
  Issue get(Lane, LocalRef to, RemoteRef from, Completion& completion) noexcept override {
    return issue({OperationKind::get, from, to, {}}, completion);
  }
  Issue signal(Lane, Signal signal, Completion& completion) noexcept override {
    return issue({OperationKind::put_signal, {signal.rank, kSignalWindow, 0}, {}, signal},
                 completion);
  }

  bool progress() noexcept override;
  std::optional<Window> attach(std::span<std::byte> memory, WindowRole role) noexcept override;
  bool admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept override;

  [[nodiscard]] const TransportCapabilities& capabilities() const noexcept override {
    return capabilities_;
  }
  [[nodiscard]] bool peer_failed(Rank rank) const noexcept override {
    return rank.index() >= size() || rail_.has_failed(rank);
  }
  [[nodiscard]] NetworkTraffic network_traffic(Rank rank) const noexcept override {
    return rank.index() < size() ? rail_.traffic(rank) : NetworkTraffic{};
  }

 private:
  Issue issue(const Request& request, Completion& completion) noexcept {
    if (request.remote.rank == rank()) return copy(request, completion);
    return rail_.issue(request, completion);
  }
  Issue copy(const Request& request, Completion& completion) noexcept;
  void look_for_deaths() noexcept;
  void look_for_sockets() noexcept;
  bool accept_signals(std::span<std::byte> memory) noexcept;

  TransportCapabilities capabilities_;
  bool uses_shm_;
  std::vector<std::span<std::byte>> windows_;  // my own, by number
  std::mutex watch_mutex_;                     // guards what follows; only tried
  detail::PeerWatch watch_;
  LocalSockets sockets_;
  std::size_t seen_reached_ = 0;
  Rail rail_;
  std::optional<ShmGuard> guard_;  // last: its thread ends before the endpoint goes
};

bool OfiTransport::progress() noexcept {
  const bool moved = rail_.progress();
  if (moved) return true;
  const std::unique_lock lock(watch_mutex_, std::try_to_lock);
  if (!lock) return false;
  if (rail_.reached() != seen_reached_) look_for_sockets();
  if (watch_.watched() > 0) look_for_deaths();
  return false;
}

void OfiTransport::look_for_sockets() noexcept {
  seen_reached_ = rail_.reached();
  const std::size_t changed = sockets_.stop_pacing();
  if (changed > 0)
    log::debug("rank {}: {} connection(s) within this machine no longer pace", rank().value(),
               changed);
}

void OfiTransport::look_for_deaths() noexcept {
  for (const auto& [rank, pid] : watch_.poll(detail::PeerWatch::Clock::now())) {
    rail_.give_up(rank, fmt::format("process {} of rank {} has ended", pid, rank.value()));
    if (uses_shm_) remove_shm_files_of(pid);
  }
}

// To myself: no provider is needed, and not every one can.
Issue OfiTransport::copy(const Request& request, Completion& completion) noexcept {
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

bool OfiTransport::accept_signals(std::span<std::byte> memory) noexcept {
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
  rail_.set_signals(SignalRegion(memory.data(), lines));
  return true;
}

std::optional<Window> OfiTransport::attach(std::span<std::byte> memory, WindowRole role) noexcept {
  if (windows_.empty()) windows_.resize(1);  // number 0 is the signal region's
  if (role == WindowRole::signals && !accept_signals(memory)) return std::nullopt;
  const auto registered = rail_.add_region(memory);
  if (registered.error != 0) {
    const bool memlock = registered.error == FI_ENOMEM || registered.error == FI_EAGAIN;
    fail({memlock ? ErrorKind::OutOfMemory : ErrorKind::Transport, std::nullopt,
          memlock ? refused_registration(registered.error, memory.size())
                  : fmt::format("registering {} bytes failed: {} ({})", memory.size(),
                                fi_strerror(registered.error), registered.error)});
    return std::nullopt;
  }
  Window window;
  if (role == WindowRole::signals) {
    windows_[kSignalWindow] = memory;
  } else {
    window.number = static_cast<WindowNumber>(windows_.size());
    windows_.push_back(memory);
  }
  rail_.set_descriptor(window.number, registered.descriptor);
  const KeyBytes bytes{registered.base, registered.key, memory.size()};
  window.key.length = sizeof bytes;
  std::memcpy(window.key.bytes.data(), &bytes, sizeof bytes);
  return window;
}

bool OfiTransport::admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept {
  KeyBytes bytes;
  if (rank.index() >= size() || key.length != sizeof bytes) {
    fail({ErrorKind::Transport, std::nullopt,
          fmt::format("window {} of rank {} has a key of {} bytes, not {}", number, rank.value(),
                      key.length, sizeof bytes)});
    return false;
  }
  std::memcpy(&bytes, key.bytes.data(), sizeof bytes);
  rail_.admit(rank, number, {bytes.base, bytes.key, bytes.length});
  record_window(rank, number, bytes.length);
  return true;
}

// How much completion data may wait for me: what all others may have on the way.
std::size_t expected_data(const TransportSetup& setup, const OfiOptions& options,
                          const Candidate& candidate) {
  if (candidate.protocol.protocol != SignalProtocol::completion_data) return 0;
  const auto peers = options.reaches.empty()
                         ? setup.size - 1
                         : static_cast<std::size_t>(std::ranges::count(options.reaches, true));
  return kMaxOutstanding * peers;
}

std::vector<fi_addr_t> insert_addresses(Endpoint& endpoint, const TransportSetup& setup,
                                        const OfiOptions& options,
                                        std::span<const Report> reports) {
  std::vector<fi_addr_t> addresses(reports.size(), FI_ADDR_NOTAVAIL);
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const bool reaches = options.reaches.empty() || options.reaches[i] || i == setup.rank.index();
    if (!reaches) continue;
    const Report& peer = reports[i];
    addresses[i] = endpoint.insert(std::span(peer.address).first(peer.address_length));
  }
  return addresses;
}

std::string describe(const Endpoint& endpoint, std::span<const std::byte> name) {
  const fi_info& info = endpoint.info();
  const std::string address = address_text(info.addr_format, name.data(), name.size());
  return fmt::format("{} on {}{}{}", info.fabric_attr->prov_name, info.domain_attr->name,
                     address.empty() ? "" : " at ", address);
}

}  // namespace

std::unique_ptr<SymmetricTransport> make_ofi(const TransportSetup& setup,
                                             const OfiOptions& options) {
  Fabric& fabric = options.fabric != nullptr ? *options.fabric : Fabric::system();
  const auto cards = exchange_records(setup, make_card(fabric, setup));
  Plan plan = make_plan(cards, setup.rank);
  plan.wish.protocol = options.protocol;

  std::optional<Endpoint> endpoint;
  std::vector<std::byte> name;
  Report report;
  std::string why;
  try {
    if (core_name(plan.wish.provider) == "shm") remove_stale_shm_files();
    Candidate candidate = select_candidate(fabric, plan.wish);
    why = candidate.protocol.reason;
    const std::size_t expected = expected_data(setup, options, candidate);
    endpoint.emplace(fabric, std::move(candidate), expected);
    name = endpoint->name();
    report = make_report(endpoint->candidate(), name);
  } catch (const CollectiveError& error) {
    report = make_report(error);
  }
  const auto reports = exchange_records(setup, report);
  check_reports(reports);

  const auto addresses = insert_addresses(*endpoint, setup, options, reports);
  const std::string detail = describe(*endpoint, name);
  if (plan.speaks) {
    log::info("{}: {}, {} ({}); {} rank(s) on {} node(s); {}",
              cards[setup.rank.index()].identity.host.data(), detail, to_string(report.protocol),
              why, setup.size, plan.nodes, plan.reason);
  }
  auto transport = std::make_unique<OfiTransport>(setup, std::move(*endpoint), addresses, detail);
  if (options.watch_processes) transport->watch(cards, reports, addresses);
  transport->watch_sockets(cards, reports, addresses);
  return transport;
}

std::unique_ptr<SymmetricTransport> make_ofi(const TransportSetup& setup) {
  return make_ofi(setup, {});
}

}  // namespace rlx
