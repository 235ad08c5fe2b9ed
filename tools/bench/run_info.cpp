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

RunInfo collect_host_info(Communicator& comm, const Options& options, std::string_view launch,
                          const std::string& line_up) {
  const TransportCapabilities& transport = comm.transport();
  RunInfo info{.options = &options,
               .launch = std::string(launch),
               .ranks = comm.size(),
               .cores = static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_ONLN)),
               .transport = transport.name,
               .transport_detail = transport.detail,
               .protocol = std::string(to_string(transport.protocol)),
               .line_up = line_up};
  std::set<std::string> hosts;
  std::uint32_t rank = 0;
  for (const RankCard& card : gather(comm, my_card(comm))) {
    info.rank_lines.push_back({rank++, card.pid, card.hostname, card.device, card.description});
    hosts.insert(std::string(card.hostname) + '/' + card.boot_id);
  }
  info.hosts = hosts.size();
  return info;
}

RunInfo collect_run_info(const Bench& bench, std::string_view launch) {
  const Config& config = bench.comm.config();
  const std::string_view forced = collectives::forced_algorithm(
      config.algorithm, collectives::parse_collective(bench.options.collective->name));
  RunInfo info = collect_host_info(bench.comm, bench.options, launch, bench.line_up.description());
  info.algorithm = forced.empty() ? "auto" : std::string(forced);
  info.window = config.window;
  info.slot_bytes = config.slot_bytes;
  info.rival = bench.rival != nullptr ? bench.rival->library() : "";
  return info;
}

}  // namespace rlx::bench
