#pragma once
// Every knob of rlx in one value. The environment (RLX_*) is read once into it; rank 0's Config is
// broadcast when a Context is wired, so that whatever affects a choice is equal on all ranks.
// `rlx-info --config` prints the table below. Every knob is an admission that we could not decide.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace rlx {

struct Config {
  std::string log = "warn";        ///< RLX_LOG: error, warn, info, debug
  std::string transport = "auto";  ///< RLX_TRANSPORT: auto, shm, hybrid, ofi, local
  std::string provider;            ///< RLX_PROVIDER: of libfabric (on one node auto is then ofi); empty: best
  std::string interface;           ///< RLX_INTERFACE: interfaces or rank 0's addresses; empty: best
  std::uint32_t rails = 1;         ///< RLX_RAILS: endpoints of each rank in the network, 1 to 8
  std::string nodes;               ///< RLX_NODES: pretended nodes by rank, "0,0,1"; empty: as it is
  std::string algorithm;           ///< RLX_ALGORITHM: "ring" or "all_reduce=ring,all_gather=bruck"
  std::string tuning;              ///< RLX_TUNING: rank 0's table of rlx-bench --tune; off: none
  std::size_t heap_limit = std::size_t{64} << 30;   ///< RLX_HEAP_LIMIT: reserved addresses, bytes
  std::size_t slot_bytes = std::size_t{512} << 10;  ///< RLX_SLOT: scratch bytes of one epoch
  std::uint32_t window = 4;      ///< RLX_WINDOW: epochs (pieces, calls) in flight, 1 to 16
  bool single_copy = true;       ///< RLX_SINGLE_COPY: read private memory of peers on a node
  bool register_private = true;  ///< RLX_REGISTER: private memory of long calls over a network is
                                 ///< registered for each of them
  bool helper = true;            ///< RLX_HELPER: the helper thread that polls when nobody does
  std::string progress = "off";  ///< RLX_PROGRESS: a thread that polls all the time while calls
                                 ///< are in flight: off, spare (on a core of no rank), on
  double knock_after = 0.1;      ///< RLX_KNOCK_AFTER: seconds of waiting before asking the peer
  double warn_after = 60;        ///< RLX_WARN_AFTER: seconds before naming a peer not arrived
  double timeout = 1800;         ///< RLX_TIMEOUT: seconds for a live peer that does not arrive
  double stall_timeout = 120;    ///< RLX_STALL_TIMEOUT: seconds without progress after arrival
  double startup_timeout = 60;   ///< RLX_STARTUP_TIMEOUT: seconds for each phase of wiring
  std::string rendezvous;        ///< RLX_RENDEZVOUS: host:port of rank 0 (bootstrap without MPI)
  std::int64_t rank = -1;        ///< RLX_RANK: my rank under RLX_RENDEZVOUS
  std::int64_t size = -1;        ///< RLX_SIZE: number of ranks under RLX_RENDEZVOUS

  friend bool operator==(const Config&, const Config&) = default;

  /// Defaults overridden by the environment. Throws CollectiveError(InvalidArgument) naming the
  /// variable, its value and what is accepted; an unknown RLX_* variable is a warning in the log.
  [[nodiscard]] static Config from_environment();

  /// Sets one knob by its RLX_* name, from text as in the environment. Throws as above.
  void set(std::string_view name, std::string_view value);
  /// The value of one knob as text that set() accepts.
  [[nodiscard]] std::string get(std::string_view name) const;
};

/// One row of the table that `rlx-info --config` prints.
struct ConfigEntry {
  std::string_view name;  ///< "RLX_WINDOW"
  std::string_view help;  ///< one line, with the unit
  bool agreed;            ///< rank 0's value holds on every rank
};

[[nodiscard]] std::span<const ConfigEntry> config_entries();

}  // namespace rlx
