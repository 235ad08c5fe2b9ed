#pragma once
// What a provider promises and what rlx makes of it, as plain data for rlx-info.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "rlx/symmetric_transport.hpp"

namespace rlx::ofi {

class Fabric;

/// One row: a provider on one domain (a NIC, or a network interface).
struct ProviderInfo {
  std::string name;                 ///< "tcp;ofi_rxm", as RLX_PROVIDER takes it
  std::string domain;               ///< "lo", "eth0", "mlx5_0"
  std::string address;              ///< readable; empty where the provider gives none in advance
  std::vector<std::string> order;   ///< promised message orders: "WAW", "RMA_WAW", ...
  std::size_t ordered_bytes = 0;    ///< writes up to this size are ordered after each other
  std::vector<std::string> memory;  ///< memory registration modes: "VIRT_ADDR", "LOCAL", ...
  std::size_t completion_data_bytes = 0;  ///< remote completion data of a write; 0: none
  std::string progress;                   ///< "manual" or "auto", as declared for data
  std::size_t inject_bytes = 0;           ///< writes up to this size are copied at issue
  std::size_t largest_write = 0;          ///< bytes of one operation
  std::size_t queue_depth = 0;            ///< outstanding operations of one endpoint
  bool usable = false;                    ///< false: `reason` says why rlx refuses it
  bool preferred = false;                 ///< the one that rlx would take here when none is named
  SignalProtocol protocol = SignalProtocol::ordered_write;  ///< where usable
  std::string reason;                                       ///< why this protocol
};

/// Every provider of this machine that has reliable endpoints with one-sided writes, best first.
[[nodiscard]] std::vector<ProviderInfo> describe_providers();
[[nodiscard]] std::vector<ProviderInfo> describe_providers(Fabric& fabric);

}  // namespace rlx::ofi
