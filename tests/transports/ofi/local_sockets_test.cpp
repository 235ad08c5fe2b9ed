// Which sockets of this process are freed from pacing: connections between listeners that were
// named, and only if their congestion control paces.

#include "transports/ofi/local_sockets.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace rlx::ofi {

namespace {

constexpr unsigned kUnlimited = ~0U;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) { EXPECT_GE(fd, 0); }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] sockaddr_in name() const {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    return address;
  }
  [[nodiscard]] unsigned pacing_limit() const {
    unsigned rate = 0;
    socklen_t length = sizeof rate;
    EXPECT_EQ(::getsockopt(fd_, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &length), 0);
    return rate;
  }
  [[nodiscard]] bool use(std::string_view control) const {
    return ::setsockopt(fd_, IPPROTO_TCP, TCP_CONGESTION, control.data(),
                        static_cast<socklen_t>(control.size())) == 0;
  }

 private:
  int fd_;
};

/// Two ends of a connection to a listener on loopback.
struct Connection {
  Socket listener{::socket(AF_INET, SOCK_STREAM, 0)};
  Socket here{::socket(AF_INET, SOCK_STREAM, 0)};
  Socket there{connect()};

  int connect() const {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener.fd(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    EXPECT_EQ(::listen(listener.fd(), 1), 0);
    const sockaddr_in name = listener.name();
    EXPECT_EQ(::connect(here.fd(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    return ::accept(listener.fd(), nullptr, nullptr);
  }
  void use(std::string_view control) const { ASSERT_TRUE(here.use(control) && there.use(control)); }
};

void add(LocalSockets& sockets, const sockaddr_in& address) {
  sockets.add(std::as_bytes(std::span(&address, 1)));
}

// A kernel without bbr, or that does not let us choose it, has nothing that paces.
const bool kPaces = Socket(::socket(AF_INET, SOCK_STREAM, 0)).use("bbr");
const std::string_view kPacing = kPaces ? "bbr" : "reno";

TEST(LocalSockets, both_ends_of_a_connection_to_a_named_listener_stop_pacing_once) {
  Connection connection;
  connection.use(kPacing);
  LocalSockets sockets;
  add(sockets, connection.listener.name());
  EXPECT_EQ(sockets.stop_pacing(), kPaces ? 2U : 0U);
  EXPECT_EQ(connection.here.pacing_limit(), kPaces ? 0U : kUnlimited);
  EXPECT_EQ(connection.there.pacing_limit(), kPaces ? 0U : kUnlimited);
  EXPECT_EQ(sockets.stop_pacing(), 0U);
}

TEST(LocalSockets, connections_of_others_are_left_alone) {
  Connection connection;
  connection.use(kPacing);
  Connection named;
  named.use("reno");
  LocalSockets sockets;
  add(sockets, named.listener.name());
  EXPECT_EQ(sockets.stop_pacing(), 0U);
  EXPECT_EQ(connection.here.pacing_limit(), kUnlimited);
}

TEST(LocalSockets, what_does_not_pace_is_left_alone) {
  Connection connection;
  connection.use("reno");
  LocalSockets sockets;
  add(sockets, connection.listener.name());
  EXPECT_EQ(sockets.stop_pacing(), 0U);
  EXPECT_EQ(connection.here.pacing_limit(), kUnlimited);
}

TEST(LocalSockets, other_addresses_than_ip_are_ignored) {
  LocalSockets sockets;
  const std::array<std::byte, 40> shm{};
  sockets.add(shm);
  sockets.add(std::span(shm).first(2));
  EXPECT_EQ(sockets.stop_pacing(), 0U);
}

}  // namespace

}  // namespace rlx::ofi
