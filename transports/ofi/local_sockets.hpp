#pragma once
// The provider's TCP connections to ranks of the same machine, and what keeps them from being slow.
//
// A congestion control that paces (bbr) sends each 64 KiB when a timer of its own says so. Within a
// machine there is no congestion to avoid, and the timers cost 40 % of the time of a megabyte. On
// these sockets, and no others, pacing is switched off. libfabric has no name for that, so they are
// found by the addresses at their ends.

#include <netinet/in.h>

#include <cstddef>
#include <span>
#include <vector>

namespace rlx::ofi {

class LocalSockets {
 public:
  /// Adds a rank of this machine, this process among them: the address at which its endpoint
  /// listens, as fi_getname gives it. Others than IPv4 and IPv6 are ignored.
  void add(std::span<const std::byte> address);

  /// Looks for connections between two of these ranks among the process's open sockets and stops
  /// those that pace. Call it after connections were made; gives how many were changed.
  std::size_t stop_pacing() const noexcept;

 private:
  [[nodiscard]] bool is_listener(const sockaddr_storage& end) const noexcept;
  [[nodiscard]] bool is_local(const sockaddr_storage& end) const noexcept;

  std::vector<sockaddr_storage> listeners_;
};

}  // namespace rlx::ofi
