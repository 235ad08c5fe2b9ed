#include "transports/ofi/local_sockets.hpp"

#include <dirent.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace rlx::ofi {

namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

bool same_host(const sockaddr_storage& a, const sockaddr_storage& b) noexcept {
  if (a.ss_family != b.ss_family) return false;
  if (a.ss_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in&>(a).sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in&>(b).sin_addr.s_addr;
  }
  return std::memcmp(&reinterpret_cast<const sockaddr_in6&>(a).sin6_addr,
                     &reinterpret_cast<const sockaddr_in6&>(b).sin6_addr, sizeof(in6_addr)) == 0;
}

// At the same place in both families.
in_port_t port_of(const sockaddr_storage& end) noexcept {
  return reinterpret_cast<const sockaddr_in&>(end).sin_port;
}

bool is_tcp(int fd) noexcept {
  int protocol = 0;
  socklen_t length = sizeof protocol;
  return ::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 &&
         protocol == IPPROTO_TCP;
}

bool has_ends(int fd, sockaddr_storage& here, sockaddr_storage& there) noexcept {
  socklen_t here_length = sizeof here;
  socklen_t there_length = sizeof there;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&here), &here_length) == 0 &&
         ::getpeername(fd, reinterpret_cast<sockaddr*>(&there), &there_length) == 0;
}

// A rate of 0 is no rate to the kernel's own pacing (since 4.13): it sends at once. Changing the
// congestion control instead does not help, because a socket that ever paced goes on doing so.
bool stop_pacing_of(int fd) noexcept {
  char control[16] = {};
  socklen_t length = sizeof control;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, control, &length) != 0) return false;
  if (!std::string_view(control).starts_with("bbr")) return false;
  unsigned int rate = ~0U;
  length = sizeof rate;
  if (::getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &length) == 0 && rate == 0)
    return false;
  rate = 0;
  return ::setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof rate) == 0;
}

}  // namespace

void LocalSockets::add(std::span<const std::byte> address) {
  sockaddr_storage end{};
  if (address.size() < sizeof(sockaddr_in) || address.size() > sizeof end) return;
  std::memcpy(&end, address.data(), address.size());
  if (end.ss_family == AF_INET || end.ss_family == AF_INET6) listeners_.push_back(end);
}

bool LocalSockets::is_listener(const sockaddr_storage& end) const noexcept {
  return std::any_of(listeners_.begin(), listeners_.end(), [&](const sockaddr_storage& known) {
    return same_host(known, end) && port_of(known) == port_of(end);
  });
}

bool LocalSockets::is_local(const sockaddr_storage& end) const noexcept {
  return std::any_of(listeners_.begin(), listeners_.end(),
                     [&](const sockaddr_storage& known) { return same_host(known, end); });
}

std::size_t LocalSockets::stop_pacing() const noexcept {
  if (listeners_.empty()) return 0;
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir("/proc/self/fd"));
  if (!directory) return 0;
  std::size_t changed = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const int fd = std::atoi(entry->d_name);
    sockaddr_storage here{};
    sockaddr_storage there{};
    if (fd <= 2 || !is_tcp(fd) || !has_ends(fd, here, there)) continue;
    const bool ours = is_listener(here) || is_listener(there);
    if (ours && is_local(here) && is_local(there) && stop_pacing_of(fd)) ++changed;
  }
  return changed;
}

}  // namespace rlx::ofi
