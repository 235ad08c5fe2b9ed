#include "tools/info/transport.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "lib/base/log.hpp"
#include "rlx/config.hpp"
#include "rlx/error.hpp"

namespace rlx::info {
namespace {

Json failed_row(Rank rank, std::string why) {
  return {{"rank", rank.value()}, {"error", std::move(why)}};
}

/// What is wrong with the environment is told as that; everybody has to know before they meet.
bool everybody_has(bool config, const TransportSetup& setup) {
  const std::byte mine{config};
  const auto all = setup.exchange({&mine, 1});
  return std::ranges::find(all.bytes(), std::byte{0}) == all.bytes().end();
}

}  // namespace

Json describe_transport(const SymmetricTransport& transport) {
  const TransportCapabilities& offered = transport.capabilities();
  Json mapped = Json::array();
  Json network = Json::array();
  for (std::uint32_t peer = 0; peer < transport.size(); ++peer) {
    if (Rank(peer) == transport.rank()) continue;
    (offered.load_store[peer] ? mapped : network).push_back(peer);
  }
  return {{"rank", transport.rank().value()},
          {"transport", offered.name},
          {"signals", to_string(offered.protocol)},
          {"mapped", mapped},
          {"network", network},
          {"fabric", offered.fabric}};
}

Json describe_transport(TransportSetup setup) {
  std::optional<Config> config;
  std::string why = "another rank's environment is not accepted";
  try {
    config = Config::from_environment();
    log::set_level(config->log);
  } catch (const CollectiveError& error) {
    why = error.details().message;
  }
  if (!everybody_has(config.has_value(), setup)) return failed_row(setup.rank, why);
  setup.config = &*config;
  try {
    const auto transport = make_transport(config->transport, setup);
    return describe_transport(*transport);
  } catch (const CollectiveError& error) {
    return failed_row(setup.rank, error.details().message);
  }
}

}  // namespace rlx::info
