#pragma once
// The table of transports that a Context can be wired over. Adding one is a folder, a make function
// and one line in transports.cpp.

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "rlx/config.hpp"
#include "rlx/gathered.hpp"
#include "rlx/symmetric_transport.hpp"

namespace rlx {

/// What a transport needs to come to life. `exchange` gathers one blob per rank (the same length on
/// all), in rank order; collective; used while making the transport only.
struct TransportSetup {
  Rank rank;
  std::size_t size = 1;
  const Config* config = nullptr;
  std::function<Gathered(std::span<const std::byte> mine)> exchange;
};

struct TransportEntry {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<SymmetricTransport> (*make)(const TransportSetup& setup);
};

[[nodiscard]] std::span<const TransportEntry> transports();

/// Makes the named transport. "auto" is shm when all ranks can share memory, or ofi if setup.config
/// names a provider; hybrid when some can, else ofi. Collective over setup.exchange. Throws
/// CollectiveError(InvalidArgument) that lists the names, or what make() throws.
[[nodiscard]] std::unique_ptr<SymmetricTransport> make_transport(std::string_view name,
                                                                 const TransportSetup& setup);

}  // namespace rlx
