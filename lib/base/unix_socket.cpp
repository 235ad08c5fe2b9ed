#include "lib/base/unix_socket.hpp"

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "rlx/error.hpp"

namespace rlx::detail {

namespace {

struct Address {
  sockaddr_un address{};
  socklen_t length = 0;

  /// A first byte of zero makes the name abstract.
  explicit Address(const std::string& name) {
    address.sun_family = AF_UNIX;
    const std::size_t used = std::min(name.size(), sizeof(address.sun_path) - 1);
    std::memcpy(address.sun_path + 1, name.data(), used);
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + used);
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Descriptor new_socket() {
  return Descriptor(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/// A packet for sendmsg() or recvmsg(), with room for the one descriptor that it carries; more are
/// closed by the kernel.
class Message {
 public:
  Message(std::byte* packet, std::size_t bytes) : part_{packet, bytes} {
    header_.msg_iov = &part_;
    header_.msg_iovlen = 1;
    header_.msg_control = control_;
    header_.msg_controllen = sizeof control_;
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  [[nodiscard]] msghdr& header() { return header_; }

 private:
  iovec part_;
  alignas(cmsghdr) std::byte control_[CMSG_SPACE(sizeof(int))] = {};
  msghdr header_{};
};

Descriptor descriptor_in(msghdr& message) {
  const cmsghdr* control = CMSG_FIRSTHDR(&message);
  const bool passes = control != nullptr && control->cmsg_level == SOL_SOCKET &&
                      control->cmsg_type == SCM_RIGHTS &&
                      control->cmsg_len == CMSG_LEN(sizeof(int));
  if (!passes) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(control), sizeof fd);
  return Descriptor(fd);
}

}  // namespace

Descriptor listen_at(const std::string& name, int backlog) {
  Descriptor listener = new_socket();
  const Address address(name);
  const bool listens = listener.valid() &&
                       ::bind(listener.get(), address.get(), address.length) == 0 &&
                       ::listen(listener.get(), backlog) == 0;
  if (listens) return listener;
  throw CollectiveError(ErrorKind::Unsupported, "unix socket",
                        fmt::format("can not listen for ranks of this node: {}",
                                    std::generic_category().message(errno)));
}

int connect_to(const std::string& name, Descriptor& connection) {
  Descriptor socket = new_socket();
  if (!socket.valid()) return errno;
  const Address address(name);
  int result = 0;
  do {
    result = ::connect(socket.get(), address.get(), address.length);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return errno;
  connection = std::move(socket);
  return 0;
}

Descriptor accept_from(const Descriptor& listener) {
  return Descriptor(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

uid_t user_of(const Descriptor& connection) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  const int result = ::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length);
  return result == 0 ? credentials.uid : static_cast<uid_t>(-1);
}

int send_packet(const Descriptor& connection, std::span<const std::byte> packet, int passed) {
  Message message(const_cast<std::byte*>(packet.data()), packet.size());
  cmsghdr* const control = CMSG_FIRSTHDR(&message.header());
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(sizeof passed);
  std::memcpy(CMSG_DATA(control), &passed, sizeof passed);
  const ssize_t sent = ::sendmsg(connection.get(), &message.header(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return 0;
  return errno == EINTR ? EAGAIN : errno;
}

int receive_packet(const Descriptor& connection, std::span<std::byte> packet, Descriptor& passed) {
  Message message(packet.data(), packet.size());
  const ssize_t got =
      ::recvmsg(connection.get(), &message.header(), MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return errno == EINTR ? EAGAIN : errno;
  if (got == 0) return ECONNRESET;
  passed = descriptor_in(message.header());
  if ((message.header().msg_flags & MSG_CTRUNC) != 0 && !passed.valid()) return EMFILE;
  const bool whole = static_cast<std::size_t>(got) == packet.size() &&
                     (message.header().msg_flags & MSG_TRUNC) == 0 && passed.valid();
  return whole ? 0 : EPROTO;
}

}  // namespace rlx::detail
