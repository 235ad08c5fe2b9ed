#pragma once
// Which process on which machine a rank is: what ranks tell each other to find out who shares a
// kernel, a network and a /dev/shm with them.

#include <sys/types.h>

#include <array>
#include <cstdint>

namespace rlx::detail {

/// Travels between ranks as bytes.
struct ProcessIdentity {
  std::array<char, 64> host{};  ///< host name, for messages
  std::array<char, 40> boot{};  ///< the kernel's boot id: equal on one machine only
  std::uint64_t pid_namespace = 0;
  std::uint64_t net_namespace = 0;
  std::uint64_t start_time = 0;  ///< clock ticks after boot; tells a process from a later namesake
  std::int32_t pid = 0;

  [[nodiscard]] bool same_machine(const ProcessIdentity& other) const { return boot == other.boot; }
  /// Whether loopback reaches from one to the other.
  [[nodiscard]] bool same_network(const ProcessIdentity& other) const {
    return same_machine(other) && net_namespace == other.net_namespace;
  }
  /// Whether the pid of one means the same process to the other.
  [[nodiscard]] bool same_pids(const ProcessIdentity& other) const {
    return same_machine(other) && pid_namespace == other.pid_namespace;
  }

  [[nodiscard]] static ProcessIdentity mine();
};

/// Start time of a process as in ProcessIdentity; 0 when there is no such process.
[[nodiscard]] std::uint64_t start_time_of(pid_t pid);

}  // namespace rlx::detail
