#include "lib/bootstrap/socket.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "rlx/error.hpp"

namespace rlx::bootstrap {
namespace {

constexpr auto kRetryAfter = std::chrono::milliseconds(20);

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

/// Empty with `reason` set when the name does not resolve.
AddressList resolve(const Endpoint& endpoint, const char* host, std::string& reason) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = host == nullptr ? AI_PASSIVE : 0;
  addrinfo* list = nullptr;
  const int rc = getaddrinfo(host, endpoint.port.c_str(), &hints, &list);
  if (rc != 0) reason = rc == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(rc);
  return {rc == 0 ? list : nullptr, &freeaddrinfo};
}

FileDescriptor open_socket(const addrinfo& address) {
  return FileDescriptor(
      socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
}

void send_without_delay(const FileDescriptor& fd) {
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// The first address of the list that can be listened on; invalid with errno set otherwise.
FileDescriptor listen_on_first(const addrinfo* list) {
  int error = EADDRNOTAVAIL;
  for (const addrinfo* address = list; address != nullptr; address = address->ai_next) {
    FileDescriptor fd = open_socket(*address);
    const int on = 1;
    if (fd.valid()) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd.valid() && bind(fd.get(), address->ai_addr, address->ai_addrlen) == 0 &&
        listen(fd.get(), SOMAXCONN) == 0)
      return fd;
    error = errno;
  }
  errno = error;
  return {};
}

/// TCP lets a socket whose own port is the one it asks for meet itself while nobody listens there.
bool connected_to_itself(const FileDescriptor& fd) {
  sockaddr_storage mine{};
  sockaddr_storage theirs{};
  socklen_t my_length = sizeof mine;
  socklen_t their_length = sizeof theirs;
  return getsockname(fd.get(), reinterpret_cast<sockaddr*>(&mine), &my_length) == 0 &&
         getpeername(fd.get(), reinterpret_cast<sockaddr*>(&theirs), &their_length) == 0 &&
         my_length == their_length && std::memcmp(&mine, &theirs, my_length) == 0;
}

/// One attempt at one address; invalid with `reason` set when it fails.
FileDescriptor connect_once(const addrinfo& address, const Deadline& deadline,
                            std::string& reason) {
  FileDescriptor fd = open_socket(address);
  int error = fd.valid() ? 0 : errno;
  if (fd.valid() && connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    error = errno;
    if (error == EINPROGRESS || error == EINTR) {
      error = ETIMEDOUT;
      socklen_t length = sizeof error;
      if (wait_for(fd.get(), POLLOUT, deadline))
        getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    }
  }
  if (error == 0 && connected_to_itself(fd)) error = ECONNREFUSED;
  if (error == 0) return fd;
  reason = std::strerror(error);
  return {};
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void FileDescriptor::reset() noexcept {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

std::string Endpoint::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

Endpoint parse_endpoint(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  Endpoint endpoint;
  if (colon != std::string::npos) {
    endpoint = {address.substr(0, colon), address.substr(colon + 1)};
    if (endpoint.host.size() >= 2 && endpoint.host.front() == '[' && endpoint.host.back() == ']')
      endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
    else if (endpoint.host.find(':') != std::string::npos)
      endpoint.host.clear();  // an IPv6 address without brackets: where does the port start?
  }
  const bool digits = !endpoint.port.empty() && endpoint.port.size() <= 5 &&
                      endpoint.port.find_first_not_of("0123456789") == std::string::npos;
  if (endpoint.host.empty() || !digits || std::stoul(endpoint.port) > 65535)
    throw CollectiveError(
        ErrorKind::InvalidArgument, "rendezvous",
        fmt::format("'{}' is not a rendezvous address; write host:port or [ipv6]:port, with a port "
                    "from 0 to 65535",
                    address));
  return endpoint;
}

FileDescriptor listen_on(const Endpoint& endpoint) {
  std::string reason;
  FileDescriptor fd;
  if (const AddressList list = resolve(endpoint, endpoint.host.c_str(), reason)) {
    fd = listen_on_first(list.get());
    if (!fd.valid()) reason = std::strerror(errno);
    if (!fd.valid() && errno == EADDRNOTAVAIL) {
      const AddressList any = resolve(endpoint, nullptr, reason);
      fd = listen_on_first(any.get());
      if (!fd.valid()) reason = std::strerror(errno);
    }
  }
  if (fd.valid()) return fd;
  throw CollectiveError(
      ErrorKind::Launch, "rendezvous",
      fmt::format(
          "rank 0 can not listen at {}: {}. RLX_RENDEZVOUS must name an address of rank 0's "
          "machine and a free port",
          endpoint.text(), reason),
      {Rank(0)});
}

std::uint16_t port_of(const FileDescriptor& listener) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

FileDescriptor connect_to(const Endpoint& endpoint, const Deadline& deadline, std::string& reason) {
  do {
    const AddressList list = resolve(endpoint, endpoint.host.c_str(), reason);
    for (const addrinfo* address = list.get(); address != nullptr; address = address->ai_next) {
      FileDescriptor fd = connect_once(*address, deadline, reason);
      if (!fd.valid()) continue;
      send_without_delay(fd);
      return fd;
    }
    std::this_thread::sleep_for(kRetryAfter);
  } while (!deadline.passed());
  return {};
}

FileDescriptor accept_from(const FileDescriptor& listener) {
  FileDescriptor fd(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.valid()) send_without_delay(fd);
  return fd;
}

bool wait_for(int fd, short events, const Deadline& deadline) {
  pollfd entry{fd, events, 0};
  do {
    if (poll(&entry, 1, deadline.poll_ms()) > 0) return true;
  } while (!deadline.passed());
  return false;
}

}  // namespace rlx::bootstrap
