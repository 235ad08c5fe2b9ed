#include "rlx/symmetric_transport.hpp"

#include <fmt/core.h>

#include <thread>
#include <utility>

namespace rlx {

namespace {

[[noreturn]] void throw_failure(const char* operation, const TransportFailure& failure) {
  std::vector<Rank> ranks;
  if (failure.rank) ranks.push_back(*failure.rank);
  throw CollectiveError(failure.kind, operation, failure.message, std::move(ranks));
}

void throw_if_failed(const char* operation, const SymmetricTransport& transport) {
  if (!transport.has_failed()) return;
  throw_failure(operation, transport.failure().value_or(TransportFailure{}));
}

// Issues until it is taken. Yields where polling moved nothing: the peer may share this core.
template <class Operation>
void issue_until_taken(const char* name, SymmetricTransport& transport, Operation operation) {
  for (;;) {
    throw_if_failed(name, transport);
    const Issue issue = operation();
    if (issue == Issue::done) return;
    if (issue == Issue::failed) {
      throw_failure(name, transport.failure().value_or(TransportFailure{
                              ErrorKind::Transport, std::nullopt, "the transport gave no cause"}));
    }
    if (!transport.progress()) std::this_thread::yield();
  }
}

}  // namespace

std::string_view to_string(SignalProtocol protocol) {
  switch (protocol) {
    case SignalProtocol::store:
      return "store";
    case SignalProtocol::ordered_write:
      return "ordered_write";
    case SignalProtocol::completion_data:
      return "completion_data";
    case SignalProtocol::delivery_complete:
      return "delivery_complete";
  }
  return "unknown";
}

std::optional<TransportFailure> SymmetricTransport::failure() const {
  if (!has_failed()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return failure_;
}

bool SymmetricTransport::peer_failed(Rank rank) const noexcept {
  if (!has_failed()) return false;
  const std::lock_guard lock(mutex_);
  // A failure of no peer in particular is a failure of the way to all of them.
  return !failure_->rank || *failure_->rank == rank;
}

NetworkTraffic SymmetricTransport::network_traffic(Rank) const noexcept { return {}; }

struct SymmetricTransport::Kept {
  std::mutex mutex;
  std::vector<std::shared_ptr<void>> memory;
};

SymmetricTransport::SymmetricTransport(Rank rank, std::size_t size)
    : kept_(std::make_shared<Kept>()), rank_(rank), size_(size) {}

void SymmetricTransport::keep(std::shared_ptr<void> memory) {
  const std::lock_guard lock(kept_->mutex);
  kept_->memory.push_back(std::move(memory));
}

void SymmetricTransport::fail(TransportFailure failure) noexcept {
  const std::lock_guard lock(mutex_);
  if (failure_) return;
  failure_ = std::move(failure);
  failed_.store(true, std::memory_order_release);
}

void SymmetricTransport::record_window(Rank rank, WindowNumber number, std::size_t bytes,
                                       std::byte* mapped) {
  if (admitted_.size() < size_) admitted_.resize(size_);
  std::vector<Admitted>& windows = admitted_.at(rank.index());
  if (windows.size() <= number) windows.resize(number + std::size_t{1});
  windows[number] = {bytes, mapped};
}

SymmetricTransport::Admitted SymmetricTransport::admitted(Rank rank,
                                                          WindowNumber number) const noexcept {
  if (rank.index() >= admitted_.size()) return {};
  const std::vector<Admitted>& windows = admitted_[rank.index()];
  return number < windows.size() ? windows[number] : Admitted{};
}

std::size_t SymmetricTransport::window_bytes(Rank rank, WindowNumber number) const noexcept {
  return admitted(rank, number).bytes;
}

std::byte* SymmetricTransport::mapped(Rank rank, WindowNumber number) const noexcept {
  return admitted(rank, number).mapped;
}

void SymmetricTransport::check(const char* operation, RemoteRef to, std::size_t length) const {
  if (to.rank.index() >= size_) {
    throw CollectiveError(ErrorKind::UnknownRank, operation,
                          fmt::format("rank {} does not exist: this transport has ranks 0 to {}",
                                      to.rank.value(), size_ - 1),
                          {to.rank});
  }
  const std::size_t bytes = window_bytes(to.rank, to.window);
  if (to.offset <= bytes && length <= bytes - to.offset) return;
  throw CollectiveError(
      ErrorKind::OutOfBounds, operation,
      fmt::format("{} bytes at offset {} lie outside window {} of rank {}, which has {} bytes{}",
                  length, to.offset, to.window, to.rank.value(), bytes,
                  bytes == 0 ? " (it was not admitted)" : ""),
      {to.rank});
}

void SymmetricTransport::checked_put(Lane lane, RemoteRef to, LocalRef from,
                                     Completion& completion) {
  check("put", to, from.length);
  issue_until_taken("put", *this, [&] { return put(lane, to, from, completion); });
}

void SymmetricTransport::checked_put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                                            Completion& completion) {
  check("put_signal", to, from.length);
  check("put_signal", {signal.rank, kSignalWindow, 0}, 0);
  const std::uint32_t lines = SignalRegion::lines_of(window_bytes(signal.rank, kSignalWindow));
  if (signal.index >= lines) {
    throw CollectiveError(ErrorKind::OutOfBounds, "put_signal",
                          fmt::format("signal word {} lies outside the signal region of rank {}, "
                                      "which has {} lines",
                                      signal.index, signal.rank.value(), lines),
                          {signal.rank});
  }
  if (signal.rank != to.rank) {
    throw CollectiveError(
        ErrorKind::InvalidArgument, "put_signal",
        fmt::format("the bytes go to rank {} but the signal to rank {}: give both "
                    "the same rank",
                    to.rank.value(), signal.rank.value()),
        {to.rank, signal.rank});
  }
  issue_until_taken("put_signal", *this,
                    [&] { return put_signal(lane, to, from, signal, completion); });
}

void SymmetricTransport::checked_get(Lane lane, LocalRef to, RemoteRef from,
                                     Completion& completion) {
  check("get", from, to.length);
  issue_until_taken("get", *this, [&] { return get(lane, to, from, completion); });
}

void SymmetricTransport::detach(WindowNumber) noexcept {}

void SymmetricTransport::quiet(Completion& completion) {
  while (!completion.drained()) {
    throw_if_failed("quiet", *this);
    if (!progress()) std::this_thread::yield();
  }
  throw_if_failed("quiet", *this);  // an operation that failed may have been counted as complete
}

}  // namespace rlx
