// Operations wait in a queue; progress() delivers what is due, through the inner transport or,
// where a target that must poll is emulated, through the target's mailbox.
//
// What is kept, because the contract promises it: an operation is delivered only after the one
// before it on the same word, whether or not anything else is reordered.

#include "transports/faulty/faulty_transport.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>
#include <utility>

#include "transports/faulty/faulty_options.hpp"
#include "transports/faulty/faulty_port.hpp"
#include "transports/faulty/faulty_queue.hpp"

namespace rlx {

namespace {

using State = FaultyOperation::State;
using std::chrono::nanoseconds;

// `reorder` leaves a due operation for a later poll with this probability.
constexpr double kHold = 0.25;
constexpr nanoseconds kShortestLateness{100'000};
constexpr std::size_t kLaneClocks = 64;

bool is_beyond(const std::optional<FaultyOptions::PeerLimit>& limit, Rank peer,
               std::uint64_t issued) {
  return limit && limit->rank == peer && issued >= limit->operations;
}

TransportCapabilities capabilities_around(const TransportCapabilities& inner,
                                          const FaultyOptions& options) {
  TransportCapabilities offered = inner;
  offered.name = fmt::format("faulty({})", inner.name);
  offered.inline_bytes = std::min(inner.inline_bytes, kFaultyInlineBytes);
  offered.delivery_complete = false;
  offered.call_windows = false;
  offered.latency_us += std::chrono::duration<double, std::micro>(options.delay).count();
  offered.load_store.assign(inner.load_store.size(), false);  // nobody goes around the faults
  if (options.cqdata) offered.protocol = SignalProtocol::completion_data;
  if (options.uses_mailbox()) offered.passive_target = false;
  return offered;
}

class FaultyTransport final : public SymmetricTransport {
 public:
  FaultyTransport(std::unique_ptr<SymmetricTransport> inner, const FaultyOptions& options)
      : SymmetricTransport(inner->rank(), inner->size()),
        inner_(std::move(inner)),
        options_(options),
        offered_(capabilities_around(inner_->capabilities(), options)),
        random_(options.seed * 0x9e3779b97f4a7c15ull + inner_->rank().value()),
        issued_to_(size(), 0),
        last_on_word_(size()) {
    if (options.uses_mailbox()) mailbox_.emplace(*inner_, options);
    due_.reserve(FaultyQueue::kCapacity);
  }

  Issue put(Lane lane, RemoteRef to, LocalRef from, Completion& completion) noexcept override {
    return accept({FaultyRequest::Kind::put, lane, to, from, std::nullopt}, completion);
  }
  Issue put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                   Completion& completion) noexcept override {
    return accept({FaultyRequest::Kind::put, lane, to, from, signal}, completion);
  }
  Issue get(Lane lane, LocalRef to, RemoteRef from, Completion& completion) noexcept override {
    return accept({FaultyRequest::Kind::get, lane, from, to, std::nullopt}, completion);
  }
  Issue signal(Lane lane, Signal signal, Completion& completion) noexcept override {
    return accept({FaultyRequest::Kind::put, lane, {signal.rank, kSignalWindow, 0}, {}, signal},
                  completion);
  }

  bool progress() noexcept override;
  std::optional<Window> attach(std::span<std::byte> memory, WindowRole role) noexcept override;
  bool admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept override;
  const TransportCapabilities& capabilities() const noexcept override { return offered_; }
  bool peer_failed(Rank rank) const noexcept override {
    return inner_->peer_failed(rank) || SymmetricTransport::peer_failed(rank);
  }
  NetworkTraffic network_traffic(Rank rank) const noexcept override {
    return inner_->network_traffic(rank);
  }

 private:
  Issue accept(const FaultyRequest& request, Completion& completion) noexcept;
  [[nodiscard]] bool is_served(const FaultyRequest& request) noexcept;
  void enqueue(const FaultyRequest& request, Completion& completion) noexcept;
  FaultyTime delivery_time(Lane lane);
  bool deliver_due();
  bool advance(FaultyOperation& operation, FaultyTime now);
  bool deliver(FaultyOperation& operation, FaultyTime now);
  Issue give_to_inner(FaultyOperation& operation);
  bool read_mailbox();
  void land(FaultyOperation& operation, FaultyTime now);
  void schedule_next_look();
  void adopt_failure();

  [[nodiscard]] bool chance(double probability) {
    return probability > 0 && std::uniform_real_distribution<>(0, 1)(random_) < probability;
  }
  [[nodiscard]] nanoseconds random_up_to(nanoseconds longest) {
    return nanoseconds(std::uniform_int_distribution<std::int64_t>(0, longest.count())(random_));
  }

  std::unique_ptr<SymmetricTransport> inner_;
  FaultyOptions options_;
  TransportCapabilities offered_;

  std::mutex mutex_;  // guards everything below, and the inner transport
  std::mt19937_64 random_;
  FaultyQueue queue_;
  std::vector<FaultyOperation*> due_;  // scratch of deliver_due
  FaultyTime next_look_ = FaultyTime::max();
  std::array<FaultyTime, kLaneClocks> lane_clock_{};
  std::vector<std::uint64_t> issued_to_;                  // [rank] operations
  std::vector<std::vector<std::uint64_t>> last_on_word_;  // [rank][word] sequence, 0: none
  std::optional<FaultyPort> mailbox_;  // only where a target that must poll is emulated
};

Issue FaultyTransport::accept(const FaultyRequest& request, Completion& completion) noexcept {
  const std::lock_guard lock(mutex_);
  const Rank peer = request.remote.rank;
  if (!is_served(request)) return Issue::failed;
  if (queue_.full() || chance(options_.busy)) return Issue::busy;
  const std::uint64_t issued = issued_to_[peer.index()]++;
  if (is_beyond(options_.fail, peer, issued)) {
    fail({ErrorKind::PeerFailed, peer,
          fmt::format("faulty: operations to rank {} fail after {}", peer.value(),
                      options_.fail->operations)});
    return Issue::failed;
  }
  completion.issued.fetch_add(1, std::memory_order_relaxed);
  // Accepted, and never heard of again.
  if (is_beyond(options_.drop, peer, issued)) return Issue::done;
  enqueue(request, completion);
  return Issue::done;
}

bool FaultyTransport::is_served(const FaultyRequest& request) noexcept {
  const Rank peer = request.remote.rank;
  if (peer.index() < size() && peer_failed(peer)) return false;
  if (peer.index() >= size()) {
    fail({ErrorKind::Transport, peer, fmt::format("faulty: there is no rank {}", peer.value())});
    return false;
  }
  const std::size_t words = std::min<std::size_t>(
      last_on_word_[peer.index()].size(),
      options_.cqdata ? FaultySignalData::kWords : std::numeric_limits<std::size_t>::max());
  if (!request.signal || request.signal->index < words) return true;
  fail({ErrorKind::Transport, peer,
        fmt::format("faulty: rank {} has no signal word {}, it has {}", peer.value(),
                    request.signal->index, words)});
  return false;
}

void FaultyTransport::enqueue(const FaultyRequest& request, Completion& completion) noexcept {
  FaultyOperation& operation = queue_.push();
  operation.request = request;
  operation.completion = &completion;
  LocalRef& local = operation.request.local;
  const bool is_put = request.kind == FaultyRequest::Kind::put;
  if (is_put && local.length > 0 && local.length <= offered_.inline_bytes) {
    std::memcpy(operation.bytes.data(), local.data, local.length);
    local.data = operation.bytes.data();
  }
  if (request.signal) {
    std::uint64_t& last = last_on_word_[request.remote.rank.index()][request.signal->index];
    operation.after = std::exchange(last, operation.sequence);
  }
  operation.due = delivery_time(request.lane);
  operation.state = State::waiting;
  next_look_ = std::min(next_look_, operation.due);
}

// Without `reorder`, jitter lets nothing overtake within a lane.
FaultyTime FaultyTransport::delivery_time(Lane lane) {
  const FaultyTime time =
      std::chrono::steady_clock::now() + options_.delay +
      (options_.jitter.count() > 0 ? random_up_to(options_.jitter) : nanoseconds{0});
  if (options_.reorder) return time;
  FaultyTime& clock = lane_clock_[lane % kLaneClocks];
  clock = std::max(clock, time);
  return clock;
}

bool FaultyTransport::progress() noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  bool moved = inner_->progress();
  if (mailbox_ && read_mailbox()) moved = true;
  adopt_failure();
  if (deliver_due()) moved = true;
  return moved;
}

bool FaultyTransport::deliver_due() {
  if (queue_.empty()) return false;
  const FaultyTime now = std::chrono::steady_clock::now();
  if (now < next_look_) return false;
  due_.clear();
  queue_.for_each([&](FaultyOperation& operation) {
    if (operation.state == State::sent || operation.due <= now) due_.push_back(&operation);
  });
  if (options_.reorder) std::shuffle(due_.begin(), due_.end(), random_);
  bool moved = false;
  for (FaultyOperation* const operation : due_) moved = advance(*operation, now) || moved;
  queue_.forget_finished();
  schedule_next_look();
  return moved;
}

bool FaultyTransport::advance(FaultyOperation& operation, FaultyTime now) {
  switch (operation.state) {
    case State::none:
      return false;
    case State::waiting:
      return deliver(operation, now);
    case State::sent:  // a get in a mailbox is ended by read_mailbox
      if (mailbox_ || !operation.inner.drained()) return false;
      land(operation, now);
      return true;
    case State::landed:
      operation.completion->local.fetch_add(1, std::memory_order_release);
      operation.state = State::none;
      return true;
  }
  return false;
}

bool FaultyTransport::deliver(FaultyOperation& operation, FaultyTime now) {
  const FaultyOperation* const before = queue_.find(operation.after);
  if (before != nullptr && before->state == State::waiting) return false;
  if (options_.reorder && chance(kHold)) return false;
  const Issue issue = mailbox_ ? mailbox_->post(operation) : give_to_inner(operation);
  if (issue == Issue::busy) return false;
  operation.state = State::sent;
  if (issue == Issue::failed) {
    adopt_failure();
    operation.state = State::none;  // never completes
  } else if (mailbox_ ? operation.request.kind == FaultyRequest::Kind::put
                      : operation.inner.drained()) {
    land(operation, now);
  }
  return true;
}

Issue FaultyTransport::give_to_inner(FaultyOperation& operation) {
  const auto& [kind, lane, remote, local, signal] = operation.request;
  Completion& inner = operation.inner;
  if (kind == FaultyRequest::Kind::get) return inner_->get(lane, local, remote, inner);
  if (!signal) return inner_->put(lane, remote, local, inner);
  if (local.length == 0) return inner_->signal(lane, *signal, inner);
  return inner_->put_signal(lane, remote, local, *signal, inner);
}

bool FaultyTransport::read_mailbox() {
  const FaultyPort::Read read = mailbox_->read();
  for (const FaultyMessage& answer : read.answers) {
    FaultyOperation* const asked = queue_.find(answer.sequence);
    if (asked == nullptr || asked->state != State::sent) continue;
    std::copy(answer.bytes.begin(), answer.bytes.end(), asked->request.local.data);
    land(*asked, std::chrono::steady_clock::now());
  }
  return read.anything;
}

// The operation needs nothing of mine any more; `late` says so later.
void FaultyTransport::land(FaultyOperation& operation, FaultyTime now) {
  operation.state = State::landed;
  operation.due = now;
  if (!options_.late) {
    advance(operation, now);
    return;
  }
  operation.due += random_up_to(std::max(options_.delay, kShortestLateness));
  next_look_ = std::min(next_look_, operation.due);
}

void FaultyTransport::schedule_next_look() {
  next_look_ = FaultyTime::max();
  queue_.for_each([&](const FaultyOperation& operation) {
    const bool any_time = operation.state == State::sent;
    next_look_ = std::min(next_look_, any_time ? FaultyTime::min() : operation.due);
  });
}

void FaultyTransport::adopt_failure() {
  if (!inner_->has_failed() || has_failed()) return;
  fail(inner_->failure().value_or(TransportFailure{}));
}

std::optional<Window> FaultyTransport::attach(std::span<std::byte> memory,
                                              WindowRole role) noexcept {
  std::optional<Window> window = inner_->attach(memory, role);
  if (!window) adopt_failure();
  if (window && mailbox_ && !mailbox_->announce(*window, memory, role)) {
    adopt_failure();
    return std::nullopt;
  }
  return window;
}

bool FaultyTransport::admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept {
  const std::optional<WindowKey> inner_key = mailbox_ ? mailbox_->accept(rank, key) : key;
  if (!inner_key) {
    fail({ErrorKind::Transport, rank,
          "faulty: a window key that no transport of its kind has made"});
    return false;
  }
  if (!inner_->admit(rank, number, *inner_key)) {
    adopt_failure();
    return false;
  }
  const std::size_t bytes = inner_->window_bytes(rank, number);
  record_window(rank, number, bytes);
  if (number == kSignalWindow) last_on_word_[rank.index()].resize(SignalRegion::lines_of(bytes), 0);
  return true;
}

}  // namespace

std::unique_ptr<SymmetricTransport> make_faulty(std::unique_ptr<SymmetricTransport> inner,
                                                std::string_view options) {
  const FaultyOptions parsed = parse_faulty_options(options);
  if (parsed.uses_mailbox() && inner->capabilities().name != "local") {
    throw CollectiveError(
        ErrorKind::Unsupported, "faulty",
        fmt::format(
            "the words progress and cqdata need the local transport, this is {}: leave them "
            "out or use RLX_TRANSPORT=local",
            inner->capabilities().name));
  }
  return std::make_unique<FaultyTransport>(std::move(inner), parsed);
}

}  // namespace rlx
