#include "transports/shm/shm_transport.hpp"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <utility>

#include "lib/base/fork_generation.hpp"
#include "lib/base/log.hpp"
#include "transports/common/mapped_windows.hpp"
#include "transports/common/peer_watch.hpp"
#include "transports/shm/memory_limits.hpp"

namespace rlx {

namespace {

using namespace shm;
using detail::PeerWatch;

/// What a dead peer stored is here already. The grace is for those that wait for nothing of it any
/// more and would only be disturbed.
constexpr std::chrono::milliseconds kGrace{20};
/// The clock is looked at once in so many polls, and the kernel once in 5 ms (PeerWatch).
constexpr std::uint32_t kPollsPerLook = 16;

/// The opaque bytes of a WindowKey: short, because a hybrid's key holds another one as well.
struct ShmKey {
  std::uint64_t token = 0;  ///< half of the file's
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  bool operator==(const ShmKey&) const = default;
};
static_assert(sizeof(ShmKey) == kShmKeyBytes);

TransportCapabilities capabilities_for(const Meeting& meeting, Rank me) {
  const HugePages huge = huge_pages_of_shared_memory();
  const std::size_t ranks = meeting.ranks_with(me);
  TransportCapabilities offered;
  offered.name = "shm";
  offered.detail = fmt::format("{} rank{} of one node, memfd, huge pages {} ({})", ranks,
                               ranks == 1 ? "" : "s", huge.allowed ? "on" : "off", huge.setting);
  offered.protocol = SignalProtocol::store;
  offered.inline_bytes = detail::kWordwiseBytes;
  offered.passive_target = true;
  offered.delivery_complete = true;
  offered.latency_us = 0.15;
  offered.message_us = 0.02;
  offered.gigabytes_per_second = 10;
  for (const std::uint32_t node : meeting.node_of)
    offered.load_store.push_back(node == meeting.node_of[me.index()]);
  return offered;
}

class ShmTransport final : public SymmetricTransport {
 public:
  ShmTransport(const TransportSetup& setup, Meeting meeting);
  ~ShmTransport() override;

  Issue put(Lane, RemoteRef to, LocalRef from, Completion& completion) noexcept override;
  Issue put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                   Completion& completion) noexcept override;
  Issue get(Lane, LocalRef to, RemoteRef from, Completion& completion) noexcept override;
  Issue signal(Lane, Signal signal, Completion& completion) noexcept override;
  bool progress() noexcept override;
  std::optional<Window> attach(std::span<std::byte> memory, WindowRole role) noexcept override;
  bool admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept override;
  [[nodiscard]] const TransportCapabilities& capabilities() const noexcept override {
    return capabilities_;
  }
  [[nodiscard]] bool peer_failed(Rank rank) const noexcept override {
    return rank.index() >= size() || peers_[rank.index()].dead.load(std::memory_order_acquire);
  }

 private:
  struct Mapped {
    WindowNumber number;
    ShmKey key;
    FileMapping mapping;
  };
  struct Peer {
    std::uint64_t token = 0;
    detail::Descriptor file;
    FileMapping control;
    std::vector<Mapped> windows;
    std::atomic<bool> dead{false};
  };

  void watch(Rank rank, const Card& card, Mate mate);
  void look_for_deaths() noexcept;
  [[nodiscard]] Window attach_pages(std::span<std::byte> memory, WindowRole role);
  void admit_window(Rank rank, WindowNumber number, const WindowKey& key);
  [[nodiscard]] std::span<std::byte> map(Peer& peer, WindowNumber number, const ShmKey& key);
  bool fail_by(const std::exception& error, std::optional<Rank> rank) noexcept;

  TransportCapabilities capabilities_;
  std::uint32_t generation_ = fork_generation();
  std::unique_ptr<SharedFile> file_;
  std::vector<std::span<std::byte>> own_;  // my windows, by number
  std::vector<Peer> peers_;                // mine among them
  detail::MappedWindows windows_;
  std::atomic<std::uint32_t> polls_{0};
  std::mutex watch_mutex_;  // guards what follows; only tried
  PeerWatch watch_;
};

ShmTransport::ShmTransport(const TransportSetup& setup, Meeting meeting)
    : SymmetricTransport(setup.rank, setup.size),
      capabilities_(capabilities_for(meeting, setup.rank)),
      file_(std::move(meeting.mine)),
      own_(1),  // number 0 is the signal region's
      peers_(setup.size),
      windows_(setup.size),
      watch_(meeting.cards[setup.rank.index()].identity, kGrace) {
  for (std::size_t i = 0; i < size(); ++i) {
    if (!capabilities_.load_store[i]) continue;
    peers_[i].token = meeting.cards[i].token[0];
    if (i == rank().index()) continue;
    watch(Rank(static_cast<std::uint32_t>(i)), meeting.cards[i], std::move(meeting.mates[i]));
  }
}

// A forked child has the same file and the same connections, and leaves nobody.
ShmTransport::~ShmTransport() {
  if (fork_generation() == generation_) file_->leave();
}

// The connection is silent as long as a child that the peer forked holds its end of it, so where
// the kernel shows us the process it is asked too.
void ShmTransport::watch(Rank rank, const Card& card, Mate mate) {
  Peer& peer = peers_[rank.index()];
  peer.file = std::move(mate.file);
  peer.control = std::move(mate.control);
  watch_.add(rank, card.identity.pid, std::move(mate.socket));
  watch_.add(rank, card.identity);
}

Issue ShmTransport::put(Lane, RemoteRef to, LocalRef from, Completion& completion) noexcept {
  if (!windows_.put(to, from)) {
    fail({ErrorKind::Transport, to.rank, "put outside the windows of the peer"});
    return Issue::failed;
  }
  detail::count_done(completion);
  return Issue::done;
}

Issue ShmTransport::put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                               Completion& completion) noexcept {
  const bool carries = from.length > 0 && windows_.word(signal) != nullptr;
  if (carries && !windows_.put(to, from)) return put(lane, to, from, completion);  // says why
  return this->signal(lane, signal, completion);
}

Issue ShmTransport::get(Lane, LocalRef to, RemoteRef from, Completion& completion) noexcept {
  if (!windows_.get(to, from)) {
    fail({ErrorKind::Transport, from.rank, "get outside the windows of the peer"});
    return Issue::failed;
  }
  detail::count_done(completion);
  return Issue::done;
}

Issue ShmTransport::signal(Lane, Signal signal, Completion& completion) noexcept {
  if (!windows_.signal(signal)) {
    fail({ErrorKind::Transport, signal.rank, "signal outside the signal region of the peer"});
    return Issue::failed;
  }
  detail::count_done(completion);
  return Issue::done;
}

// Everything is done at issue; what is left is to notice deaths. Threads that poll at once may lose
// each other's count, which delays the look by a few polls.
bool ShmTransport::progress() noexcept {
  const std::uint32_t polls = polls_.load(std::memory_order_relaxed) + 1;
  polls_.store(polls, std::memory_order_relaxed);
  if (polls % kPollsPerLook == 0) look_for_deaths();
  return false;
}

void ShmTransport::look_for_deaths() noexcept {
  const std::unique_lock lock(watch_mutex_, std::try_to_lock);
  if (!lock) return;
  for (const auto& [rank, pid] : watch_.poll(PeerWatch::Clock::now())) {
    Peer& peer = peers_[rank.index()];
    const auto* page = reinterpret_cast<const ControlPage*>(peer.control.memory().data());
    if (page->has_left.load(std::memory_order_acquire) != 0) continue;
    if (peer.dead.exchange(true, std::memory_order_acq_rel)) continue;
    fail({ErrorKind::PeerFailed, rank,
          fmt::format("process {} of rank {} has ended", pid, rank.value())});
  }
}

bool ShmTransport::fail_by(const std::exception& error, std::optional<Rank> rank) noexcept {
  const auto* known = dynamic_cast<const CollectiveError*>(&error);
  fail({known != nullptr ? known->kind() : ErrorKind::OutOfMemory, rank,
        known != nullptr ? known->details().message : error.what()});
  return false;
}

std::optional<Window> ShmTransport::attach(std::span<std::byte> memory, WindowRole role) noexcept {
  try {
    return attach_pages(memory, role);
  } catch (const std::exception& error) {
    fail_by(error, rank());
    return std::nullopt;
  }
}

Window ShmTransport::attach_pages(std::span<std::byte> memory, WindowRole role) {
  const bool signals = role == WindowRole::signals;
  if (signals && own_[kSignalWindow].data() != nullptr)
    throw CollectiveError(ErrorKind::Transport, "shm", "a second signal region: a rank has one");
  if (!signals && own_.size() > 0xffff)
    throw CollectiveError(ErrorKind::Transport, "shm",
                          "65535 windows are attached, there is no number left");
  const ShmKey bytes{peers_[rank().index()].token, file_->share(memory), memory.size()};
  Window window;
  if (signals) {
    own_[kSignalWindow] = memory;
  } else {
    window.number = static_cast<WindowNumber>(own_.size());
    own_.push_back(memory);
  }
  window.key.length = sizeof bytes;
  std::memcpy(window.key.bytes.data(), &bytes, sizeof bytes);
  return window;
}

bool ShmTransport::admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept {
  try {
    admit_window(rank, number, key);
    return true;
  } catch (const std::exception& error) {
    return fail_by(error, rank);
  }
}

void ShmTransport::admit_window(Rank rank, WindowNumber number, const WindowKey& key) {
  ShmKey bytes;
  if (key.length == sizeof bytes) std::memcpy(&bytes, key.bytes.data(), sizeof bytes);
  if (rank.index() >= size() || !capabilities_.load_store[rank.index()] ||
      bytes.token != peers_[rank.index()].token)
    throw CollectiveError(
        ErrorKind::Transport, "shm",
        fmt::format("the key of window {} was not made by rank {}", number, rank.value()));
  const bool mine = rank == this->rank();
  if (mine && (number >= own_.size() || own_[number].size() != bytes.length))
    throw CollectiveError(ErrorKind::Transport, "shm",
                          fmt::format("window {} of mine was not attached", number));
  const auto memory = mine ? own_[number] : map(peers_[rank.index()], number, bytes);
  windows_.set(rank, number, memory);
  record_window(rank, number, memory.size(), memory.data());
}

// A window is admitted again with each allocation that lies in it, and stays where it is.
std::span<std::byte> ShmTransport::map(Peer& peer, WindowNumber number, const ShmKey& key) {
  for (const Mapped& window : peer.windows)
    if (window.number == number && window.key == key) return window.mapping.memory();
  struct stat status {};
  ::fstat(peer.file.get(), &status);
  const auto end = static_cast<std::uint64_t>(status.st_size);
  if (key.offset > end || key.length > end - key.offset)
    throw CollectiveError(ErrorKind::Transport, "shm",
                          fmt::format("window {} of {} bytes lies outside the peer's shared memory",
                                      number, key.length));
  peer.windows.push_back({number, key, FileMapping(peer.file.get(), key.offset, key.length)});
  return peer.windows.back().mapping.memory();
}

}  // namespace

ShmAttempt try_shm(const TransportSetup& setup, const ShmOptions& options) {
  const auto room = options.room ? options.room : [] { return available_memory(); };
  Meeting meeting = meet(setup, room);
  if (meeting.refusal) return {nullptr, std::move(meeting.refusal)};
  return {make_shm_of(setup, std::move(meeting)), std::nullopt};
}

std::unique_ptr<SymmetricTransport> make_shm_of(const TransportSetup& setup, Meeting meeting) {
  const auto first = std::ranges::find(meeting.node_of, meeting.node_of[setup.rank.index()]);
  const bool speaks = first - meeting.node_of.begin() == setup.rank.value();
  const std::string host = meeting.cards[setup.rank.index()].identity.host.data();
  auto transport = std::make_unique<ShmTransport>(setup, std::move(meeting));
  if (speaks) log::info("{}: shared memory, {}", host, transport->capabilities().detail);
  return transport;
}

std::unique_ptr<SymmetricTransport> make_shm(const TransportSetup& setup) {
  ShmAttempt attempt = try_shm(setup);
  if (attempt.transport) return std::move(attempt.transport);
  throw CollectiveError(
      ErrorKind::Unsupported, "make_transport",
      fmt::format("the shm transport joins processes of one node that can map each other's memory, "
                  "and {}: use RLX_TRANSPORT=ofi",
                  attempt.refusal->why),
      attempt.refusal->ranks);
}

}  // namespace rlx
