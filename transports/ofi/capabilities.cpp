#include "transports/ofi/capabilities.hpp"

#include <string_view>

namespace rlx::ofi {

TransportCapabilities capabilities_of(const Endpoint& endpoint, std::size_t ranks) {
  struct Speed {
    std::string_view core;
    double latency_us;
    double message_us;
    double gigabytes_per_second;
  };
  // tcp and shm were measured, the others are what their makers and users report.
  constexpr Speed kSpeeds[] = {
      {"tcp", 2, 3, 4.5},      {"net", 2, 3, 4.5},      {"shm", 0.8, 0.4, 8},
      {"verbs", 1.3, 0.2, 12}, {"efa", 13, 1, 12},      {"cxi", 1.8, 0.2, 25},
      {"opx", 1.5, 0.5, 12},   {"psm3", 1.5, 0.5, 12},  {"psm2", 1.5, 0.5, 12},
      {"udp", 8, 4, 0.6},      {"sockets", 40, 10, 0.5}};
  const std::string_view name = endpoint.info().fabric_attr->prov_name;
  const std::string_view core = core_name(name);
  const ProtocolChoice& protocol = endpoint.protocol();
  TransportCapabilities offered;
  offered.name = "ofi";
  offered.medium = name;
  offered.protocol = protocol.protocol;
  offered.inline_bytes = protocol.inject_bytes;
  offered.max_put_bytes = protocol.chunk_bytes;
  offered.delivery_complete = protocol.protocol == SignalProtocol::delivery_complete;
  offered.local_registration = endpoint.has_mode(FI_MR_LOCAL);
  // The adapter itself writes these; every other provider works in the target's calls.
  offered.passive_target =
      (core == "verbs" || core == "cxi") && protocol.protocol != SignalProtocol::completion_data;
  if (protocol.protocol == SignalProtocol::completion_data) offered.hash_bits = 8;
  offered.load_store.assign(ranks, false);
  for (const Speed& speed : kSpeeds) {
    if (speed.core != core) continue;
    offered.latency_us = speed.latency_us;
    offered.message_us = speed.message_us;
    offered.gigabytes_per_second = speed.gigabytes_per_second;
  }
  return offered;
}

bool moves_by_core(const Endpoint& endpoint) {
  const std::string_view core = core_name(endpoint.info().fabric_attr->prov_name);
  for (const std::string_view name : {"tcp", "net", "shm", "udp", "sockets"})
    if (core == name) return true;
  return false;
}

}  // namespace rlx::ofi
