#pragma once
// Sockets of one node at names that no file system holds, over which processes hand each other file
// descriptors. Everything here is non-blocking and tells of failure by the system's error number.

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>

#include "lib/base/descriptor.hpp"

namespace rlx::detail {

/// Listens at an abstract name. Throws CollectiveError(Unsupported) with the system's words.
[[nodiscard]] Descriptor listen_at(const std::string& name, int backlog);

/// 0: connected. EAGAIN: somebody listens there and has too many waiting, try again. Otherwise the
/// system's refusal; ECONNREFUSED means that nobody of this network namespace listens there.
[[nodiscard]] int connect_to(const std::string& name, Descriptor& connection);

/// The next waiting connection; invalid when there is none.
[[nodiscard]] Descriptor accept_from(const Descriptor& listener);

/// The user of the process at the other end, when it connected or began to listen.
[[nodiscard]] uid_t user_of(const Descriptor& connection);

/// One packet with a descriptor. 0, or an error number: EAGAIN and ETOOMANYREFS mean try again when
/// receivers have taken what is on the way.
[[nodiscard]] int send_packet(const Descriptor& connection, std::span<const std::byte> packet,
                              int passed);

/// One packet of that length and its descriptor. 0, EAGAIN when there is none yet, ECONNRESET when
/// the other end is closed, EPROTO for anything else than such a packet.
[[nodiscard]] int receive_packet(const Descriptor& connection, std::span<std::byte> packet,
                                 Descriptor& passed);

}  // namespace rlx::detail
