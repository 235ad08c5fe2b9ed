// The reference of every transport: a put is a copy, a signal a release store of the word.
//
// Peers' windows are looked up without a lock: admit() may not run beside operations. Any lane is
// as good as any other, and nothing needs a lock, because an operation is over when it is issued:
// what one thread issues is in order, and two threads on one lane have no order but the caller's.

#include "rlx/local_transport.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/symmetric/address_range.hpp"
#include "transports/common/mapped_windows.hpp"

namespace rlx {

namespace {

constexpr std::size_t kPage = 4096;

// What a key carries: addresses are good everywhere, since all ranks are in one process.
struct LocalKey {
  std::byte* data;
  std::size_t length;
};
static_assert(sizeof(LocalKey) <= sizeof(WindowKey::bytes));

WindowKey key_of(std::span<std::byte> memory) {
  const LocalKey local{memory.data(), memory.size()};
  WindowKey key;
  key.length = sizeof(local);
  std::memcpy(key.bytes.data(), &local, sizeof(local));
  return key;
}

TransportCapabilities capabilities_for(std::size_t ranks) {
  TransportCapabilities offered;
  offered.name = "local";
  offered.detail = fmt::format("{} threads of one process", ranks);
  offered.protocol = SignalProtocol::store;
  offered.inline_bytes = detail::kWordwiseBytes;
  offered.passive_target = true;
  offered.delivery_complete = true;
  offered.latency_us = 0.15;
  offered.message_us = 0.02;
  offered.gigabytes_per_second = 10;
  offered.load_store.assign(ranks, true);
  return offered;
}

detail::AddressRange zeroed_pages(std::size_t bytes) {
  const std::size_t rounded = (bytes + kPage - 1) / kPage * kPage;
  detail::AddressRange pages = detail::AddressRange::reserve(rounded, kPage);
  if (pages.data() == nullptr || !pages.commit(0, rounded)) {
    throw CollectiveError(ErrorKind::OutOfMemory, "fan_out",
                          fmt::format("the system refuses {} bytes of memory for a rank", bytes));
  }
  return pages;
}

}  // namespace

// The memory of fan_out, per rank; empty for bare().
struct LocalTransport::Shared {
  struct Slice {
    detail::AddressRange heap;
    std::size_t heap_bytes = 0;
    detail::AddressRange signals;
    std::uint32_t lines = 0;
  };
  std::vector<Slice> slices;
};

struct LocalTransport::Impl {
  explicit Impl(std::size_t ranks) : windows(ranks), offered(capabilities_for(ranks)) {}

  detail::MappedWindows windows;  // as admitted
  WindowNumber next_window = 1;
  bool has_signals = false;
  TransportCapabilities offered;
};

LocalTransport::LocalTransport(Rank rank, std::size_t size, std::shared_ptr<Shared> shared)
    : SymmetricTransport(rank, size),
      shared_(std::move(shared)),
      impl_(std::make_unique<Impl>(size)) {}

LocalTransport::~LocalTransport() = default;

std::vector<std::unique_ptr<LocalTransport>> LocalTransport::bare(std::size_t n) {
  if (n == 0) {
    throw CollectiveError(ErrorKind::InvalidArgument, "local transport",
                          "0 ranks: a transport has at least 1");
  }
  std::vector<std::unique_ptr<LocalTransport>> transports;
  const auto shared = std::make_shared<Shared>();
  for (std::size_t rank = 0; rank < n; ++rank) {
    transports.emplace_back(new LocalTransport(Rank(static_cast<std::uint32_t>(rank)), n, shared));
    transports.back()->share_kept(*transports.front());
  }
  return transports;
}

std::vector<std::unique_ptr<LocalTransport>> LocalTransport::fan_out(std::size_t n,
                                                                     std::size_t heap_size,
                                                                     std::uint32_t signal_lines) {
  auto transports = bare(n);
  const std::uint32_t groups = (signal_lines + kLinesPerGroup - 1) / kLinesPerGroup;
  const std::uint32_t lines = std::max(groups, 1U) * kLinesPerGroup;
  const std::size_t heap_bytes = (heap_size + kLineBytes - 1) / kLineBytes * kLineBytes;
  std::vector<Shared::Slice>& slices = transports[0]->shared_->slices;
  for (std::size_t rank = 0; rank < n; ++rank) {
    slices.push_back(
        {zeroed_pages(heap_bytes), heap_bytes, zeroed_pages(SignalRegion::bytes(lines)), lines});
  }
  for (const auto& owner : transports) {
    const std::span<std::byte> signals{slices[owner->rank().index()].signals.data(),
                                       SignalRegion::bytes(lines)};
    const Window first = owner->attach(signals, WindowRole::signals).value();
    const Window second = owner->attach(owner->heap(), WindowRole::heap).value();
    for (const auto& peer : transports) {
      peer->admit(owner->rank(), first.number, first.key);
      peer->admit(owner->rank(), second.number, second.key);
    }
  }
  return transports;
}

std::span<std::byte> LocalTransport::heap() const noexcept {
  if (shared_->slices.empty()) return {};
  const Shared::Slice& mine = shared_->slices[rank().index()];
  return {mine.heap.data(), mine.heap_bytes};
}

SignalRegion LocalTransport::signals() const noexcept {
  if (shared_->slices.empty()) return {};
  const Shared::Slice& mine = shared_->slices[rank().index()];
  return {mine.signals.data(), mine.lines};
}

Issue LocalTransport::put(Lane, RemoteRef to, LocalRef from, Completion& completion) noexcept {
  if (!impl_->windows.put(to, from)) {
    fail({ErrorKind::Transport, to.rank, "put outside the windows of the peer"});
    return Issue::failed;
  }
  detail::count_done(completion);
  return Issue::done;
}

Issue LocalTransport::put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                                 Completion& completion) noexcept {
  const bool carries = from.length > 0 && impl_->windows.word(signal) != nullptr;
  if (carries && !impl_->windows.put(to, from)) return put(lane, to, from, completion);  // says why
  return this->signal(lane, signal, completion);
}

Issue LocalTransport::get(Lane, LocalRef to, RemoteRef from, Completion& completion) noexcept {
  if (!impl_->windows.get(to, from)) {
    fail({ErrorKind::Transport, from.rank, "get outside the windows of the peer"});
    return Issue::failed;
  }
  detail::count_done(completion);
  return Issue::done;
}

Issue LocalTransport::signal(Lane, Signal signal, Completion& completion) noexcept {
  if (!impl_->windows.signal(signal)) {
    fail({ErrorKind::Transport, signal.rank, "signal outside the signal region of the peer"});
    return Issue::failed;
  }
  detail::count_done(completion);
  return Issue::done;
}

bool LocalTransport::progress() noexcept { return false; }  // everything is done at issue

std::optional<Window> LocalTransport::attach(std::span<std::byte> memory,
                                             WindowRole role) noexcept {
  if (role == WindowRole::signals) {
    if (std::exchange(impl_->has_signals, true)) {
      fail({ErrorKind::Transport, rank(), "a second signal region: a rank has one"});
      return std::nullopt;
    }
    return Window{kSignalWindow, key_of(memory)};
  }
  if (impl_->next_window == 0) {
    fail({ErrorKind::Transport, rank(), "65535 windows are attached, there is no number left"});
    return std::nullopt;
  }
  return Window{impl_->next_window++, key_of(memory)};
}

bool LocalTransport::admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept {
  LocalKey local;
  if (rank.index() >= size() || key.length != sizeof(local)) {
    fail({ErrorKind::Transport, rank, "a window key that no local transport has made"});
    return false;
  }
  std::memcpy(&local, key.bytes.data(), sizeof(local));
  impl_->windows.set(rank, number, {local.data, local.length});
  record_window(rank, number, local.length, local.data);
  return true;
}

const TransportCapabilities& LocalTransport::capabilities() const noexcept {
  return impl_->offered;
}

}  // namespace rlx
