// What goes over the network, and what never does: nothing between node mates, not even a
// connection.

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <filesystem>
#include <set>
#include <string>

#include "tests/transports/hybrid/shapes.hpp"
#include "tests/transports/transport_suite.hpp"

namespace rlx::test {

namespace {

std::uint16_t port_of(const sockaddr_storage& end) {
  return end.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(end).sin6_port
                                   : reinterpret_cast<const sockaddr_in&>(end).sin_port;
}

using PortPair = std::pair<std::uint16_t, std::uint16_t>;

/// The two ports of every connection of this process: mine, theirs.
std::set<PortPair> connections() {
  std::set<PortPair> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    sockaddr_storage near{};
    sockaddr_storage far{};
    socklen_t near_length = sizeof near;
    socklen_t far_length = sizeof far;
    const bool connected =
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&near), &near_length) == 0 &&
        ::getpeername(fd, reinterpret_cast<sockaddr*>(&far), &far_length) == 0;
    if (!connected || (near.ss_family != AF_INET && near.ss_family != AF_INET6)) continue;
    found.emplace(port_of(near), port_of(far));
  }
  return found;
}

struct Ports {
  std::size_t count = 0;
  std::array<std::array<std::uint16_t, 2>, 64> pairs{};
};

std::vector<Ports> everybodys_connections(RankWorld& self) {
  Ports mine;
  for (const auto& [near, far] : connections()) {
    if (mine.count == mine.pairs.size()) throw std::length_error("more connections than expected");
    mine.pairs[mine.count++] = {near, far};
  }
  const auto all = self.exchange(std::as_bytes(std::span(&mine, 1)));
  std::vector<Ports> ports(self.size());
  std::memcpy(static_cast<void*>(ports.data()), all.data(), all.size());
  return ports;
}

bool are_connected(const Ports& a, const Ports& b) {
  for (std::size_t i = 0; i < a.count; ++i)
    for (std::size_t j = 0; j < b.count; ++j)
      if (a.pairs[i][0] == b.pairs[j][1] && a.pairs[i][1] == b.pairs[j][0]) return true;
  return false;
}

constexpr std::size_t kBytes = 3000;

/// A put with a signal, a signal and a get between each two ranks, and to oneself.
void talk_to_all(RankWorld& self) {
  const std::uint32_t me = self.rank().value();
  Completion completion;
  for (std::uint32_t to = 0; to < self.size(); ++to) {
    const auto value = [](std::uint32_t part) { return SignalValue::make(kFirstEpoch, part, 0); };
    self.insist([&] {
      return self.transport().put_signal(0, self.on(Rank(to), me * kBytes),
                                         self.mine(1 << 20, kBytes), {Rank(to), me, value(1)},
                                         completion);
    });
    self.insist([&] { return self.transport().signal(0, {Rank(to), me, value(2)}, completion); });
    self.insist([&] {
      return self.transport().get(0, self.mine(2 << 20, kBytes), self.on(Rank(to), 1 << 20),
                                  completion);
    });
  }
  for (std::uint32_t from = 0; from < self.size(); ++from) self.wait_word(from, 2);
  self.drain(completion);
}

class Network : public testing::TestWithParam<std::string> {};

TEST_P(Network, carries_what_leaves_the_node_and_nothing_else) {
  const std::string nodes = GetParam();
  const TransportCase how{
      "", [nodes](const TransportSetup& setup) { return make_on_nodes(setup, nodes); },
      RankKind::processes};
  run_ranks(how, 4, [](RankWorld& self) {
    talk_to_all(self);
    self.barrier();  // polls: others may still get from here
    const auto& load_store = self.transport().capabilities().load_store;
    const std::vector<Ports> ports = everybodys_connections(self);
    for (std::uint32_t peer = 0; peer < self.size(); ++peer) {
      const NetworkTraffic traffic = self.transport().network_traffic(Rank(peer));
      const bool mate = load_store[peer];
      EXPECT_EQ(traffic.operations, mate ? 0U : 3U) << "to rank " << peer;
      EXPECT_EQ(traffic.bytes, mate ? 0U : 2 * kBytes) << "to rank " << peer;
      EXPECT_EQ(are_connected(ports[self.rank().index()], ports[peer]), !mate)
          << "to rank " << peer;
    }
    self.barrier();
  });
}

INSTANTIATE_TEST_SUITE_P(Nodes, Network,
                         testing::Values("0,0,1,1", "0,1,1,0", "0,0,1,0", "0,0,0,0", "0,1,2,3"),
                         [](const auto& shape) {
                           std::string name = "on_" + shape.param;
                           std::ranges::replace(name, ',', '_');
                           return name;
                         });

}  // namespace

}  // namespace rlx::test
