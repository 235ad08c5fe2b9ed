// Rail: issuing operations and posting what they are made of.

#include "transports/ofi/rail.hpp"

#include <fmt/core.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>

#include <algorithm>

namespace rlx::ofi {

struct Rail::Piece {
  void* data = nullptr;
  std::size_t length = 0;
  void* descriptor = nullptr;
  std::uint64_t address = 0;
  std::uint64_t key = 0;
  std::uint64_t flags = 0;  // beyond FI_COMPLETION
  std::uint64_t immediate = 0;
  bool with_word = false;  // the signal's word follows the bytes in the same message
};

namespace {

/// Outstanding calls of one peer, of `depth` in all. I am among the addresses.
std::size_t share_of(std::size_t depth, std::span<const fi_addr_t> addresses) {
  const auto ranks = addresses.size() - static_cast<std::size_t>(std::count(
                                            addresses.begin(), addresses.end(), FI_ADDR_NOTAVAIL));
  return depth / (ranks > 2 ? 2 : 1);
}

/// Only ever called under a lock: no other thread adds meanwhile.
void add(std::atomic<std::uint64_t>& count, std::uint64_t more) {
  count.store(count.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

bool uses_tcp(const fi_info& info) {
  const std::string_view core = core_name(info.fabric_attr->prov_name);
  return has_ip_address(info) && (core == "tcp" || core == "net");
}

}  // namespace

Rail::Rail(Endpoint endpoint, std::span<const fi_addr_t> addresses, OnFailure on_failure)
    : protocol_(endpoint.protocol().protocol),
      chunk_(endpoint.protocol().chunk_bytes),
      inject_(endpoint.protocol().inject_bytes),
      together_(endpoint.protocol().word_with_data),
      awaits_delivery_(
          protocol_ != SignalProtocol::ordered_write &&
          (protocol_ == SignalProtocol::delivery_complete || !endpoint.protocol().acknowledged)),
      connected_(uses_tcp(endpoint.info())),
      on_failure_(std::move(on_failure)),
      peers_(std::make_unique<Peer[]>(addresses.size())),
      size_(addresses.size()),
      share_(share_of(endpoint.depth(), addresses)),
      operations_(endpoint.depth() / 2),
      posts_(endpoint.depth()),
      endpoint_(std::move(endpoint)) {
  for (std::size_t i = 0; i < size_; ++i) {
    peers_[i].rank = Rank(static_cast<std::uint32_t>(i));
    peers_[i].address = addresses[i];
  }
  if (endpoint_.has_mode(FI_MR_LOCAL) && inject_ < sizeof(std::uint64_t)) {
    const auto registered = endpoint_.add_region(operations_.bytes());
    if (registered.error != 0) {
      throw CollectiveError(ErrorKind::OutOfMemory, "ofi",
                            fmt::format("registering {} bytes failed: {}",
                                        operations_.bytes().size(), fi_strerror(registered.error)));
    }
    value_descriptor_ = registered.descriptor;
  }
}

Endpoint::Registered Rail::add_region(std::span<std::byte> memory) noexcept {
  const std::lock_guard lock(mutex_);
  return endpoint_.add_region(memory);
}

void Rail::set_descriptor(WindowNumber number, void* descriptor) {
  if (!endpoint_.has_mode(FI_MR_LOCAL)) return;
  if (descriptors_.size() <= number) descriptors_.resize(number + std::size_t{1});
  descriptors_[number] = descriptor;
}

void Rail::admit(Rank rank, WindowNumber number, const RemoteWindow& window) {
  const std::lock_guard lock(mutex_);
  Peer& peer = peers_[rank.index()];
  const bool of_call = number >= kFirstCallWindow;
  auto& windows = of_call ? peer.call_windows : peer.windows;
  const std::size_t index = of_call ? number - kFirstCallWindow : number;
  if (windows.size() <= index) windows.resize(index + 1);
  windows[index] = window;
  if (number == kSignalWindow)
    peer.code = SignalCode::for_lines(SignalRegion::lines_of(window.length));
}

Endpoint::Registered Rail::attach_call(WindowNumber number, std::span<std::byte> memory,
                                       Endpoint::Use use) noexcept {
  const std::lock_guard lock(mutex_);
  const std::size_t index = number - kFirstCallWindow;
  if (call_regions_.size() <= index) call_regions_.resize(index + 1);
  const auto registered = endpoint_.make_region(memory, use, number, call_regions_[index].region);
  call_regions_[index].descriptor = registered.descriptor;
  return registered;
}

void Rail::detach_call(WindowNumber number) noexcept {
  const std::lock_guard lock(mutex_);
  call_regions_[number - kFirstCallWindow] = {};
}

/// nullptr where it was never admitted.
const RemoteWindow* Rail::find_window(const Peer& peer, WindowNumber number) noexcept {
  const bool of_call = number >= kFirstCallWindow;
  const auto& windows = of_call ? peer.call_windows : peer.windows;
  const std::size_t index = of_call ? number - kFirstCallWindow : number;
  return index < windows.size() ? &windows[index] : nullptr;
}

/// nullptr where the provider wants none.
void* Rail::descriptor_of(WindowNumber number) const noexcept {
  if (number < kFirstCallWindow)
    return number < descriptors_.size() ? descriptors_[number] : nullptr;
  const std::size_t index = number - kFirstCallWindow;
  return index < call_regions_.size() ? call_regions_[index].descriptor : nullptr;
}

bool Rail::has_room(const Peer& peer, OperationKind kind) const noexcept {
  if (peer.waiting > 0 || operations_.empty() || posts_.empty()) return false;
  return kind != OperationKind::put_signal || protocol_ == SignalProtocol::ordered_write ||
         peer.next_signal_number - peer.oldest_signal < kMaxOutstanding;
}

Issue Rail::issue(const Request& request, Completion& completion) noexcept {
  const std::lock_guard lock(mutex_);
  if (!is_admitted(request)) return Issue::failed;
  Peer& peer = peers_[request.remote.rank.index()];
  if (peer.failed.load(std::memory_order_relaxed)) return Issue::failed;
  if (!has_room(peer, request.kind)) return Issue::busy;

  Operation& operation = *make_operation(request, peer, completion);
  operation.queued = true;  // nobody else finishes it meanwhile
  const Advance result = advance(operation);
  operation.queued = false;
  const bool nothing_posted =
      !operation.posted && operation.outstanding == 0 && result != Advance::waits;
  if (nothing_posted) {
    forget_signal(operation);
    operations_.give(&operation);
    return result == Advance::failed ? Issue::failed : Issue::busy;
  }
  if (operation.kind == OperationKind::put_signal)
    operation.signal_number = peer.next_signal_number++;
  completion.issued.fetch_add(1, std::memory_order_relaxed);
  add(peer.operations, 1);
  add(peer.bytes, request.local.length);
  if (result == Advance::refused) enqueue(operation);
  return Issue::done;
}

bool Rail::is_admitted(const Request& request) noexcept {
  const std::size_t rank = request.remote.rank.index();
  const bool known = rank < size_ && !peers_[rank].windows.empty();
  const bool reaches_data =
      request.local.length == 0 ||
      (rank < size_ && find_window(peers_[rank], request.remote.window) != nullptr);
  const bool reaches_word = request.kind != OperationKind::put_signal || known;
  if (reaches_data && reaches_word) return true;
  fail(ErrorKind::Transport,
       fmt::format("window {} of rank {} was used before it was admitted",
                   reaches_data ? kSignalWindow : request.remote.window, rank));
  return false;
}

Operation* Rail::make_operation(const Request& request, Peer& peer,
                                Completion& completion) noexcept {
  Operation* operation = operations_.take();
  *operation = Operation{};
  operation->kind = request.kind;
  operation->peer = &peer;
  operation->completion = &completion;
  operation->data = request.local.data;
  operation->length = request.local.length;
  operation->inject =
      request.kind != OperationKind::get && inject_ > 0 && request.local.length <= inject_;
  operation->descriptor = descriptor_of(request.local.window);
  if (request.local.length > 0) {
    const RemoteWindow& window = *find_window(peer, request.remote.window);
    operation->address = window.base + request.remote.offset;
    operation->key = window.key;
  }
  operation->word = request.signal.index;
  operation->value = request.signal.value;
  if (request.kind == OperationKind::put_signal && protocol_ == SignalProtocol::delivery_complete) {
    (peer.last_signal != nullptr ? peer.last_signal->next_signal : peer.first_signal) = operation;
    peer.last_signal = operation;
  }
  return operation;
}

// Posts as much of an operation as can be posted now.
Rail::Advance Rail::advance(Operation& operation) noexcept {
  const bool signals = operation.kind == OperationKind::put_signal;
  const bool joined = signals && protocol_ == SignalProtocol::completion_data;
  const bool together = signals && together_;
  const std::size_t last = joined ? chunk_ : together ? chunk_ - sizeof operation.value : 0;
  while (operation.length > last) {
    const Advance result = post_data(operation);
    if (result != Advance::posted) return result;
  }
  if (signals) {
    const bool ordered = protocol_ == SignalProtocol::ordered_write;
    if (!ordered && operation.outstanding > 0) return Advance::waits;
    if (!ordered && !joined && !is_first_of_word(operation)) return Advance::waits;
    const Advance result = joined                 ? post_with_data(operation)
                           : operation.length > 0 ? post_with_word(operation)
                                                  : post_signal(operation);
    if (result != Advance::posted) return result;
  }
  operation.posted = true;
  return Advance::posted;
}

Rail::Advance Rail::post_data(Operation& operation) noexcept {
  const std::size_t length = std::min(operation.length, chunk_);
  Piece piece{operation.data, length, operation.descriptor, operation.address, operation.key};
  const bool last_is_next =
      operation.kind == OperationKind::put_signal && protocol_ == SignalProtocol::completion_data;
  if (operation.kind != OperationKind::get && (last_is_next || awaits_delivery_))
    piece.flags |= FI_DELIVERY_COMPLETE;
  if (operation.inject) piece.flags |= FI_INJECT;
  const Advance result = post(operation, piece);
  if (result != Advance::posted) return result;
  operation.data += length;
  operation.address += length;
  operation.length -= length;
  return Advance::posted;
}

Rail::Advance Rail::post_signal(Operation& operation) noexcept {
  const RemoteWindow& window = operation.peer->windows[kSignalWindow];
  Piece piece{&operation.value, sizeof operation.value, value_descriptor_,
              window.base + operation.word * kLineBytes, window.key};
  if (awaits_delivery_) piece.flags |= FI_DELIVERY_COMPLETE;
  if (inject_ >= sizeof operation.value) piece.flags |= FI_INJECT;
  return post(operation, piece);
}

Rail::Advance Rail::post_with_word(Operation& operation) noexcept {
  Piece piece{operation.data, operation.length, operation.descriptor, operation.address,
              operation.key};
  piece.with_word = true;
  if (operation.inject) piece.flags |= FI_INJECT;
  const Advance result = post(operation, piece);
  if (result == Advance::posted) operation.length = 0;
  return result;
}

Rail::Advance Rail::post_with_data(Operation& operation) noexcept {
  Piece piece{operation.data, operation.length, operation.descriptor, operation.address,
              operation.key};
  if (operation.length == 0) {
    // No bytes, but a place all the same: the word itself is surely within the peer's memory.
    const RemoteWindow& window = operation.peer->windows[kSignalWindow];
    piece.data = reinterpret_cast<std::byte*>(&operation.value);
    piece.descriptor = value_descriptor_;
    piece.address = window.base + operation.word * kLineBytes;
    piece.key = window.key;
  }
  piece.flags = FI_REMOTE_CQ_DATA;
  if (awaits_delivery_) piece.flags |= FI_DELIVERY_COMPLETE;
  if (operation.inject) piece.flags |= FI_INJECT;
  piece.immediate = operation.peer->code.encode(operation.word, operation.value);
  const Advance result = post(operation, piece);
  if (result == Advance::posted) operation.length = 0;
  return result;
}

Rail::Advance Rail::post(Operation& operation, const Piece& piece) noexcept {
  Peer& peer = *operation.peer;
  // A peer that takes nothing must not keep all the others waiting.
  if (peer.posts >= share_) return Advance::refused;
  Post* call_slot = posts_.take();
  if (call_slot == nullptr) return Advance::refused;
  call_slot->operation = &operation;
  const ssize_t result = call(operation, piece, &call_slot->context);
  if (result == 0) {
    ++operation.outstanding;
    ++peer.posts;
    peer.refused_since = {};
    return Advance::posted;
  }
  posts_.give(call_slot);
  if (result == -FI_EAGAIN) return refused(peer);
  lose(peer, {ErrorKind::PeerFailed, peer.rank,
              fmt::format("an operation to rank {} was refused by provider {}: {} ({})",
                          peer.rank.value(), endpoint_.info().fabric_attr->prov_name,
                          fi_strerror(static_cast<int>(-result)), result)});
  return Advance::failed;
}

ssize_t Rail::call(Operation& operation, const Piece& piece, void* context) const noexcept {
  fid_ep* const endpoint = endpoint_.endpoint();
  const fi_addr_t to = operation.peer->address;
  if (operation.kind == OperationKind::get) {
    return fi_read(endpoint, piece.data, piece.length, piece.descriptor, to, piece.address,
                   piece.key, context);
  }
  if (piece.flags == 0 && !piece.with_word) {
    return fi_write(endpoint, piece.data, piece.length, piece.descriptor, to, piece.address,
                    piece.key, context);
  }
  const RemoteWindow& signals = operation.peer->windows[kSignalWindow];
  const iovec local[] = {{piece.data, piece.length}, {&operation.value, sizeof operation.value}};
  const fi_rma_iov remote[] = {
      {piece.address, piece.length, piece.key},
      {signals.base + operation.word * kLineBytes, sizeof operation.value, signals.key}};
  void* descriptors[] = {piece.descriptor, value_descriptor_};
  const std::size_t parts = piece.with_word ? 2 : 1;
  const fi_msg_rma message{local, descriptors, parts, to, remote, parts, context, piece.immediate};
  return fi_writemsg(endpoint, &message, piece.flags | FI_COMPLETION);
}

Rail::Advance Rail::refused(Peer& peer) noexcept {
  if (!connected_ || !peer.reached || peer.posts > 0) return Advance::refused;
  const auto now = std::chrono::steady_clock::now();
  if (peer.refused_since == decltype(now){}) peer.refused_since = now;
  if (now - peer.refused_since < kRefusalLimit) return Advance::refused;
  lose(peer,
       {ErrorKind::PeerFailed, peer.rank,
        fmt::format("the connection to rank {} is gone and can not be made again: the process "
                    "has ended or its machine can not be reached",
                    peer.rank.value())});
  return Advance::failed;
}

bool Rail::is_first_of_word(const Operation& operation) const noexcept {
  const Operation* other = operation.peer->first_signal;
  while (other != &operation && other->word != operation.word) other = other->next_signal;
  return other == &operation;
}

}  // namespace rlx::ofi
