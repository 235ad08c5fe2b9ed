#include "tools/bench/run_info.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "collectives/tuner.hpp"
#include "rlx/topology.hpp"
#include "tools/bench/exchange.hpp"

namespace rlx::bench {
namespace {

/// One rank's line, as it travels. Text is cut to fit and ends with a zero.
struct RankCard {
  std::int32_t pid = 0;
  char hostname[128] = {};
  char boot_id[64] = {};
  char device[32] = {};
  char description[128] = {};
};

template <std::size_t n>
void copy_text(char (&to)[n], std::string_view from) {
  std::memcpy(to, from.data(), std::min(from.size(), n - 1));
}

RankCard my_card(const Communicator& comm) {
  const Topology topology = Topology::discover();
  RankCard card;
  card.pid = getpid();
  copy_text(card.hostname, topology.hostname);
  copy_text(card.boot_id, topology.boot_id);
  copy_text(card.device, comm.device().name());
  copy_text(card.description, comm.device().properties().description);
  return card;
}

}  // namespace

RunInfo collect_run_info(const Bench& bench, std::string_view launch) {
  const Config& config = bench.comm.config();
  const TransportCapabilities& transport = bench.comm.transport();
  const std::string_view forced = collectives::forced_algorithm(
      config.algorithm, collectives::parse_collective(bench.options.collective->name));
  RunInfo info{.options = &bench.options,
               .launch = std::string(launch),
               .ranks = bench.comm.size(),
               .transport = transport.name,
               .transport_detail = transport.detail,
               .protocol = std::string(to_string(transport.protocol)),
               .algorithm = forced.empty() ? "auto" : std::string(forced),
               .window = config.window,
               .slot_bytes = config.slot_bytes,
               .line_up = bench.line_up.description(),
               .rival = bench.rival != nullptr ? bench.rival->library() : ""};
  std::set<std::string> hosts;
  std::uint32_t rank = 0;
  for (const RankCard& card : gather(bench.comm, my_card(bench.comm))) {
    info.rank_lines.push_back({rank++, card.pid, card.hostname, card.device, card.description});
    hosts.insert(std::string(card.hostname) + '/' + card.boot_id);
  }
  info.hosts = hosts.size();
  return info;
}

}  // namespace rlx::bench
