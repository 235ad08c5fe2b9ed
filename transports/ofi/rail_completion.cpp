// Rail: the completion queue, what ends operations, and what lost peers do to them.

#include <fmt/core.h>
#include <rdma/fi_errno.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <utility>

#include "lib/base/log.hpp"
#include "transports/ofi/rail.hpp"

namespace rlx::ofi {

namespace {

constexpr std::size_t kBatch = 32;

// Errors that a wrong key or range gives, and no dead process: those are ours, not the peer's.
bool is_misuse(int error) {
  switch (error) {
    case FI_EACCES:
    case FI_EINVAL:
    case FI_EMSGSIZE:
    case FI_ENOKEY:
    case FI_EKEYREJECTED:
    case FI_EPERM:
    case FI_EFAULT:
    case FI_ENOMEM:
    case FI_EOPNOTSUPP:
    case FI_ENOSYS:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool Rail::progress() noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return false;
  const bool moved = read_queue();
  return (backlog_ != nullptr && run_backlog()) || moved;
}

bool Rail::read_queue() noexcept {
  std::array<fi_cq_data_entry, kBatch> entries;
  bool moved = false;
  for (;;) {
    const ssize_t count = fi_cq_read(endpoint_.queue(), entries.data(), entries.size());
    if (count > 0) {
      for (ssize_t i = 0; i < count; ++i) handle(entries[static_cast<std::size_t>(i)]);
      moved = true;
      if (count == static_cast<ssize_t>(kBatch)) continue;
      return true;
    }
    if (count == -FI_EAVAIL) {
      handle_error();
      moved = true;
      continue;
    }
    if (count != 0 && count != -FI_EAGAIN && count != -FI_EINTR) {
      fail(ErrorKind::Transport, fmt::format("reading the completion queue failed: {} ({})",
                                             fi_strerror(static_cast<int>(-count)), count));
    }
    return moved;
  }
}

void Rail::handle(const fi_cq_data_entry& entry) noexcept {
  const bool incoming = (entry.flags & FI_REMOTE_CQ_DATA) != 0 && (entry.flags & FI_WRITE) == 0;
  if (!incoming) return complete(static_cast<Post*>(entry.op_context));
  const auto data = static_cast<std::uint32_t>(entry.data);
  if (!remote_signals_.receive(data)) {
    fail(ErrorKind::Transport,
         fmt::format("completion data {:#x} names a signal word that does not exist here", data));
  }
}

void Rail::handle_error() noexcept {
  fi_cq_err_entry entry{};
  if (fi_cq_readerr(endpoint_.queue(), &entry, 0) < 0) return;
  std::array<char, 256> buffer{};
  const char* words = fi_cq_strerror(endpoint_.queue(), entry.prov_errno, entry.err_data,
                                     buffer.data(), buffer.size());
  const int error = std::abs(entry.err);  // shm gives negative ones
  const std::string text = fmt::format("{} ({}), provider error {}: {}", fi_strerror(error), error,
                                       entry.prov_errno, words != nullptr ? words : "no words");
  auto* post = static_cast<Post*>(entry.op_context);
  if (post == nullptr) {
    // About no operation of mine: an incoming one was cut off. Its sender knows, and if that is
    // dead my own operations to it will tell; only a misuse is everybody's.
    log::debug("completion queue error of no operation: {}", text);
    if (is_misuse(error)) fail(ErrorKind::Transport, "an incoming operation failed: " + text);
    return;
  }
  Peer& peer = *post->operation->peer;
  lose(peer, {is_misuse(error) ? ErrorKind::Transport : ErrorKind::PeerFailed, peer.rank,
              fmt::format("an operation to rank {} failed: {}", peer.rank.value(), text)});
  complete(post);
}

void Rail::complete(Post* post) noexcept {
  Operation& operation = *post->operation;
  Peer& peer = *operation.peer;
  posts_.give(post);
  --operation.outstanding;
  --peer.posts;
  const bool lost = peer.failed.load(std::memory_order_relaxed);
  if (!lost && !peer.reached) {
    peer.reached = true;
    reached_.fetch_add(1, std::memory_order_relaxed);
  }
  if (operation.outstanding > 0 || operation.queued) return;
  operation.posted || lost ? finish(operation) : enqueue(operation);
}

// Signals may finish in any order; what bounds the next is the oldest that has not.
void Rail::count_signal(Peer& peer, std::uint32_t number) noexcept {
  if (protocol_ == SignalProtocol::ordered_write) return;
  peer.finished_signals |= std::uint64_t{1} << (number - peer.oldest_signal);
  const int run = std::countr_one(peer.finished_signals);
  peer.finished_signals >>= run;
  peer.oldest_signal += static_cast<std::uint32_t>(run);
}

// The last touch of an operation and, once its count is told, of its Completion.
void Rail::finish(Operation& operation) noexcept {
  Peer& peer = *operation.peer;
  Completion& completion = *operation.completion;
  if (operation.kind == OperationKind::put_signal) count_signal(peer, operation.signal_number);
  forget_signal(operation);
  operations_.give(&operation);
  if (protocol_ == SignalProtocol::delivery_complete)
    completion.remote.fetch_add(1, std::memory_order_release);
  completion.local.fetch_add(1, std::memory_order_release);
  if (!peer.failed.load(std::memory_order_relaxed)) wake_signals(peer);
}

// delivery_complete: signals whose bytes have landed and that are first of their word by now.
void Rail::wake_signals(Peer& peer) noexcept {
  for (Operation* op = peer.first_signal; op != nullptr; op = op->next_signal) {
    const bool ready = !op->posted && !op->queued && op->outstanding == 0 && op->length == 0;
    if (ready && is_first_of_word(*op)) enqueue(*op);
  }
}

void Rail::forget_signal(Operation& operation) noexcept {
  Peer& peer = *operation.peer;
  Operation* before = nullptr;
  Operation* at = peer.first_signal;
  while (at != nullptr && at != &operation) {
    before = at;
    at = at->next_signal;
  }
  if (at == nullptr) return;
  (before != nullptr ? before->next_signal : peer.first_signal) = operation.next_signal;
  if (peer.last_signal == &operation) peer.last_signal = before;
}

void Rail::enqueue(Operation& operation) noexcept {
  operation.queued = true;
  operation.next = nullptr;
  ++operation.peer->waiting;
  (backlog_ != nullptr ? backlog_last_->next : backlog_) = &operation;
  backlog_last_ = &operation;
}

bool Rail::run_backlog() noexcept {
  Operation* next = std::exchange(backlog_, nullptr);
  bool moved = false;
  while (next != nullptr) {
    Operation& operation = *std::exchange(next, next->next);
    Peer& peer = *operation.peer;
    const std::uint32_t before = operation.outstanding;
    const bool lost = peer.failed.load(std::memory_order_relaxed);
    const Advance result = lost ? Advance::failed : advance(operation);
    moved |= operation.outstanding != before || result == Advance::failed;
    operation.queued = false;
    --peer.waiting;
    if (result == Advance::refused) enqueue(operation);
    if (result == Advance::failed && operation.outstanding == 0) finish(operation);
  }
  return moved;
}

void Rail::give_up(Rank rank, std::string message) noexcept {
  const std::lock_guard lock(mutex_);
  lose(peers_[rank.index()], {ErrorKind::PeerFailed, rank, std::move(message)});
}

void Rail::forget(Rank rank) {
  Peer& peer = peers_[rank.index()];
  peer.windows.clear();
  peer.operations.store(0, std::memory_order_relaxed);
  peer.bytes.store(0, std::memory_order_relaxed);
}

// What the backlog holds for the peer ends with the next progress(); what is outstanding ends with
// its completion, if the provider gives one.
void Rail::lose(Peer& peer, TransportFailure failure) noexcept {
  if (peer.failed.exchange(true, std::memory_order_acq_rel)) return;
  on_failure_(std::move(failure));
  for (Operation* op = peer.first_signal; op != nullptr;) {
    Operation* next = op->next_signal;
    if (!op->queued && op->outstanding == 0) finish(*op);
    op = next;
  }
}

void Rail::fail(ErrorKind kind, std::string message) noexcept {
  on_failure_({kind, std::nullopt, std::move(message)});
}

}  // namespace rlx::ofi
