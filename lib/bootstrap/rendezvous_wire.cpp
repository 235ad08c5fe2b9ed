#include "lib/bootstrap/rendezvous_wire.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "lib/bootstrap/socket.hpp"

namespace rlx::bootstrap {
namespace {

bool send_all(int fd, std::span<const std::byte> bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(fd, POLLOUT, deadline)) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

struct ErrorPrefix {
  std::uint32_t kind = 0;
  std::uint32_t ranks = 0;
};

}  // namespace

ReadState FrameReader::fill(int fd, std::span<std::byte> target, std::size_t& have) {
  while (have < target.size()) {
    const ssize_t got = recv(fd, target.data() + have, target.size() - have, 0);
    if (got > 0)
      have += static_cast<std::size_t>(got);
    else if (got == 0)
      return ReadState::closed;
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
      return ReadState::incomplete;
    else if (errno != EINTR)
      return ReadState::closed;
  }
  return ReadState::complete;
}

ReadState FrameReader::advance(int fd) {
  if (header_bytes_ < sizeof header_) {
    const ReadState state = fill(fd, std::as_writable_bytes(std::span(&header_, 1)), header_bytes_);
    if (state != ReadState::complete) return state;
    if (header_.magic != kMagic || header_.length > kMaxFrame) return ReadState::garbage;
    payload_.resize(header_.length);
  }
  return fill(fd, payload_, payload_bytes_);
}

void FrameReader::next() {
  header_bytes_ = 0;
  payload_bytes_ = 0;
  payload_.clear();
}

bool send_frame(int fd, FrameKind kind, std::span<const std::byte> payload,
                const Deadline& deadline) {
  const FrameHeader header{kMagic, kind, payload.size()};
  return send_all(fd, std::as_bytes(std::span(&header, 1)), deadline) &&
         send_all(fd, payload, deadline);
}

std::vector<std::byte> encode_error(const CollectiveError& error) {
  const ErrorDetails& details = error.details();
  const ErrorPrefix prefix{static_cast<std::uint32_t>(details.kind),
                           static_cast<std::uint32_t>(details.ranks.size())};
  std::vector<std::byte> bytes(sizeof prefix + prefix.ranks * sizeof(std::uint32_t));
  std::memcpy(bytes.data(), &prefix, sizeof prefix);
  for (std::size_t i = 0; i < details.ranks.size(); ++i) {
    const std::uint32_t rank = details.ranks[i].value();
    std::memcpy(bytes.data() + sizeof prefix + i * sizeof rank, &rank, sizeof rank);
  }
  const auto text = std::as_bytes(std::span(details.message));
  bytes.insert(bytes.end(), text.begin(), text.end());
  return bytes;
}

ErrorDetails decode_error(std::span<const std::byte> payload) {
  ErrorDetails details{.kind = ErrorKind::Launch, .operation = "rendezvous"};
  ErrorPrefix prefix;
  if (payload.size() >= sizeof prefix) std::memcpy(&prefix, payload.data(), sizeof prefix);
  const std::size_t text = sizeof prefix + prefix.ranks * sizeof(std::uint32_t);
  if (payload.size() < text) {
    details.message = "rank 0 reported an error that could not be read";
    return details;
  }
  if (prefix.kind == static_cast<std::uint32_t>(ErrorKind::WireVersion))
    details.kind = ErrorKind::WireVersion;
  for (std::size_t i = 0; i < prefix.ranks; ++i) {
    std::uint32_t rank = 0;
    std::memcpy(&rank, payload.data() + sizeof prefix + i * sizeof rank, sizeof rank);
    details.ranks.emplace_back(rank);
  }
  details.message.assign(reinterpret_cast<const char*>(payload.data()) + text,
                         payload.size() - text);
  return details;
}

}  // namespace rlx::bootstrap
