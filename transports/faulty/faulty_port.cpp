#include "transports/faulty/faulty_port.hpp"

#include <cstring>
#include <utility>

namespace rlx {

bool FaultyPort::announce(Window& window, std::span<std::byte> memory, WindowRole role) {
  if (role == WindowRole::signals) {
    signals_ = SignalRegion(memory.data(), SignalRegion::lines_of(memory.size()));
  }
  // Arrivals are written through the inner transport, whether or not the caller admits its own.
  if (!inner_.admit(inner_.rank(), window.number, window.key)) return false;
  FaultyMailbox* const mailbox = mine_.get();
  std::memcpy(window.key.bytes.data() + window.key.length, &mailbox, sizeof(mailbox));
  window.key.length = static_cast<std::uint8_t>(window.key.length + sizeof(mailbox));
  return true;
}

std::optional<WindowKey> FaultyPort::accept(Rank rank, const WindowKey& key) {
  FaultyMailbox* mailbox = nullptr;
  if (key.length < sizeof(mailbox) || rank.index() >= peers_.size()) return std::nullopt;
  WindowKey inner = key;
  inner.length = static_cast<std::uint8_t>(key.length - sizeof(mailbox));
  std::memcpy(&mailbox, key.bytes.data() + inner.length, sizeof(mailbox));
  peers_[rank.index()] = mailbox->shared_from_this();
  return inner;
}

Issue FaultyPort::post(const FaultyOperation& operation) {
  const FaultyRequest& request = operation.request;
  const std::shared_ptr<FaultyMailbox>& mailbox = peers_[request.remote.rank.index()];
  if (!mailbox) return Issue::failed;
  FaultyMessage message;
  message.at = request.remote;
  message.length = request.local.length;
  message.signal = request.signal;
  message.sequence = operation.sequence;
  if (request.kind == FaultyRequest::Kind::get) {
    message.kind = FaultyMessage::Kind::get;
    message.answer = mine_;
  } else {
    message.bytes.assign(request.local.data, request.local.data + request.local.length);
  }
  if (request.signal && rebuilds_) {
    message.data = FaultySignalData::encode(request.signal->index, request.signal->value);
    message.signal->value = 0;  // it does not travel
  }
  return mailbox->post(std::move(message)) ? Issue::done : Issue::busy;
}

FaultyPort::Read FaultyPort::read() {
  Read result;
  std::deque<FaultyMessage> messages = mine_->take();
  result.anything = !messages.empty();
  for (FaultyMessage& message : messages) {
    switch (message.kind) {
      case FaultyMessage::Kind::put:
        arrive(message);
        break;
      case FaultyMessage::Kind::get:
        answer(message);
        break;
      case FaultyMessage::Kind::reply:
        result.answers.push_back(std::move(message));
        break;
    }
  }
  return result;
}

void FaultyPort::arrive(const FaultyMessage& message) {
  Completion done;  // counted at once: the inner transport is local
  const LocalRef bytes{const_cast<std::byte*>(message.bytes.data()), message.bytes.size(), 0};
  if (!message.signal) {
    static_cast<void>(inner_.put(0, message.at, bytes, done));  // a failure is inner's, and kept
    return;
  }
  Signal signal = *message.signal;
  if (rebuilds_) {
    signal.index = FaultySignalData::index(message.data);
    signal.value = FaultySignalData::decode(
        message.data, signals_.word(signal.index).load(std::memory_order_relaxed),
        signals_.expected(signal.index / kLinesPerGroup).load(std::memory_order_acquire));
  }
  static_cast<void>(inner_.put_signal(0, message.at, bytes, signal, done));
}

void FaultyPort::answer(const FaultyMessage& message) {
  FaultyMessage reply;
  reply.kind = FaultyMessage::Kind::reply;
  reply.sequence = message.sequence;
  reply.bytes.resize(message.length);
  Completion done;
  const LocalRef into{reply.bytes.data(), reply.bytes.size(), 0};
  if (inner_.get(0, into, message.at, done) != Issue::done) return;
  static_cast<void>(message.answer->post(std::move(reply)));  // replies are always taken
}

}  // namespace rlx
