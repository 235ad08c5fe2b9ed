// How a Context comes to life over a bootstrap. Each phase is collective and in this order: hello
// (versions, rank 0's Config, hosts), transport, signal region, heap.

#include "lib/communicator/wiring.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "lib/base/fnv.hpp"
#include "lib/base/log.hpp"
#include "lib/communicator/communicator_state.hpp"
#include "lib/communicator/nodes.hpp"
#include "lib/communicator/tuning_file.hpp"
#include "lib/symmetric/single_copy.hpp"
#include "rlx/topology.hpp"
#include "rlx/version.hpp"
#include "transports/transports.hpp"

namespace rlx::detail {
namespace {

constexpr std::uint32_t kSignalLines = 1024 * kLinesPerGroup;  // 127 communicators at W = 4
constexpr std::uint64_t kMagic = 0x31786c72;                   // "rlx1"

/// The first two members never move: ranks of different wire versions can read them. Everybody gets
/// everybody's, so it is short.
struct Hello {
  std::uint64_t magic = kMagic;
  std::uint32_t wire = 0;
  std::int32_t process = 0;
  std::uint64_t identity = 0;  ///< rank 0's names the Context
  std::uint64_t machine = 0;   ///< equal on ranks of one host and boot
  DeviceRecord device;
  cpu_set_t cores{};
};

template <class T>
Records<T> exchange(Bootstrap& bootstrap, const T& mine) {
  return Records<T>(bootstrap.gather_shared(std::as_bytes(std::span(&mine, 1))));
}

/// Rank 0's value on all ranks.
template <class T>
T from_rank_0(Bootstrap& bootstrap, T value) {
  bootstrap.broadcast(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

/// Of a host and its boot: 64 bits of what tells them apart.
std::uint64_t machine_number(const Topology& topology) {
  return fnv1a(topology.hostname + '\n' + topology.boot_id);
}

Hello make_hello(const Topology& topology, DeviceRecord device) {
  Hello hello;
  hello.device = device;
  hello.wire = wire_version();
  hello.process = getpid();
  std::random_device entropy;
  hello.identity = (std::uint64_t{entropy()} << 32) | entropy() | 1;
  hello.machine = machine_number(topology);
  sched_getaffinity(0, sizeof hello.cores, &hello.cores);
  return hello;
}

void check_versions(std::span<const Hello> hellos, Rank me) {
  for (std::uint32_t rank = 0; rank < hellos.size(); ++rank) {
    const Hello& theirs = hellos[rank];
    if (theirs.magic == kMagic && theirs.wire == hellos[me.index()].wire) continue;
    throw CollectiveError(
        ErrorKind::WireVersion, "wiring",
        fmt::format("rank {} speaks wire version {} of rlx, rank {} speaks {}; run the same rlx on "
                    "all ranks",
                    rank, theirs.wire, me.value(), hellos[me.index()].wire),
        {Rank(rank), me});
  }
}

/// A rank's device, opened before the first exchange so that a failure is known to all: the others
/// then do not wait.
struct OpenedDevice {
  std::unique_ptr<DeviceSide> side;
  DeviceRecord record;
  std::exception_ptr failure;
};

OpenedDevice open_device(const Device& device) {
  OpenedDevice opened;
  if (device == Device::cpu()) return opened;
  try {
    opened.side = std::make_unique<DeviceSide>(device);
    opened.record = opened.side->record();
  } catch (const CollectiveError&) {
    opened.record = DeviceRecord::broken();
    opened.failure = std::current_exception();
  }
  return opened;
}

DeviceUse agree_on_devices(std::span<const Hello> hellos, const OpenedDevice& mine) {
  if (mine.failure) std::rethrow_exception(mine.failure);
  DeviceUse use;
  for (std::uint32_t rank = 0; rank < hellos.size(); ++rank) {
    if (hellos[rank].device.is_broken())
      throw CollectiveError(
          ErrorKind::Launch, "wiring",
          fmt::format("rank {} can not use its device; its own error says why", rank),
          {Rank(rank)});
    use.add(hellos[rank].device);
    if (!use.any) continue;
    use.identity.resize(hellos.size());
    const std::uint64_t identity = hellos[rank].device.identity();
    use.shared = use.shared || (identity != 0 && std::ranges::count(use.identity, identity) > 0);
    use.identity[rank] = identity;
  }
  return use;
}

/// NAME=value lines of the knobs that must be equal.
std::string agreed_knobs(const Config& config) {
  std::string text;
  for (const ConfigEntry& entry : config_entries())
    if (entry.agreed) text += fmt::format("{}={}\n", entry.name, config.get(entry.name));
  return text;
}

/// Rank 0's knobs replace mine.
void adopt(Config& config, std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t equals = line.find('=');
    config.set(line.substr(0, equals), line.substr(equals + 1));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
}

/// Whether the ranks of my node have a core each, judged from their affinity masks together.
bool ranks_fit(std::span<const Hello> hellos, Rank me, const std::string& host) {
  cpu_set_t all;
  CPU_ZERO(&all);
  int ranks = 0;
  for (const Hello& other : hellos) {
    if (other.machine != hellos[me.index()].machine) continue;
    ++ranks;
    CPU_OR(&all, &all, &other.cores);
  }
  const bool fit = ranks <= CPU_COUNT(&all);
  const auto first = std::ranges::find_if(
      hellos, [&](const Hello& other) { return other.machine == hellos[me.index()].machine; });
  if (!fit && first - hellos.begin() == me.value())
    log::warn(
        "{} ranks share {} core{} on {} and take turns, so short calls take microseconds where "
        "they could take tenths; start fewer ranks, or allow them more cores",
        ranks, CPU_COUNT(&all), CPU_COUNT(&all) == 1 ? "" : "s", host);
  return fit;
}

/// Cores of this machine that no rank of my node may use; empty where ranks may use all. `spare`
/// says whether there is room for a thread of each rank besides.
struct FreeCores {
  cpu_set_t cores{};
  bool spare = false;
};

FreeCores free_cores(std::span<const Hello> hellos, Rank me) {
  FreeCores free;
  cpu_set_t theirs;
  CPU_ZERO(&theirs);
  int ranks = 0;
  for (const Hello& other : hellos) {
    if (other.machine != hellos[me.index()].machine) continue;
    ++ranks;
    CPU_OR(&theirs, &theirs, &other.cores);
  }
  const long online = std::min<long>(sysconf(_SC_NPROCESSORS_ONLN), CPU_SETSIZE);
  for (long core = 0; core < online; ++core)
    if (!CPU_ISSET(core, &theirs)) CPU_SET(core, &free.cores);
  free.spare = CPU_COUNT(&free.cores) > 0 || CPU_COUNT(&theirs) >= 2 * ranks;
  return free;
}

/// Makes the helper a progress thread, where that is asked for and possible.
void start_progress(HelperThread& helper, const Config& config, const FreeCores& free, Rank me) {
  if (config.progress == "off") return;
  if (config.progress == "on" || free.spare) return helper.poll_always(free.cores);
  log::warn(
      "rank {}: RLX_PROGRESS=spare, but every core is a rank's: no thread polls beside it; "
      "bind ranks to fewer cores, start fewer, or say on",
      me.value());
}

TransportSetup transport_setup(Bootstrap& bootstrap, const Config& config) {
  TransportSetup setup;
  setup.rank = bootstrap.rank();
  setup.size = bootstrap.size();
  setup.config = &config;
  setup.exchange = [&bootstrap](std::span<const std::byte> mine) {
    return bootstrap.gather_shared(mine);
  };
  return setup;
}

/// The processes of all ranks when everybody can read everybody's private memory, tried with a
/// token of each; otherwise nothing.
std::vector<std::int32_t> readable_processes(Bootstrap& bootstrap) {
  struct Token {
    std::uint64_t address = 0;
    std::uint64_t value = 0;
    std::int64_t process = 0;
  };
  std::random_device entropy;
  const auto value = std::make_unique<std::uint64_t>((std::uint64_t{entropy()} << 32) | entropy());
  const Token mine{reinterpret_cast<std::uint64_t>(value.get()), *value, getpid()};
  std::vector<std::int32_t> processes;
  char readable = 1;
  for (const Token& theirs : exchange(bootstrap, mine)) {
    std::uint64_t seen = 0;
    const auto process = static_cast<std::int32_t>(theirs.process);
    const bool read =
        read_process(process, reinterpret_cast<std::byte*>(&seen), theirs.address, sizeof seen);
    if (!read || seen != theirs.value) readable = 0;
    processes.push_back(process);
  }
  const auto all = exchange(bootstrap, readable);  // and the tokens live until here
  return std::ranges::count(all, 0) == 0 ? processes : std::vector<std::int32_t>();
}

[[noreturn]] void throw_failure(const SymmetricTransport& transport, const char* what) {
  const auto failure = transport.failure();
  throw CollectiveError(failure ? failure->kind : ErrorKind::Transport, "wiring",
                        failure ? failure->message : what, {transport.rank()});
}

}  // namespace

std::shared_ptr<Context> Context::wire(PhasedBootstrap& bootstrap,
                                       const CommunicatorOptions& given) {
  CommunicatorOptions options = given;
  log::set_level(options.config.log);
  const Rank me = bootstrap.rank();
  bootstrap.enter("hello");
  const Topology topology = Topology::discover();
  OpenedDevice device = open_device(options.device);
  const auto hellos = exchange(bootstrap, make_hello(topology, device.record));
  check_versions(hellos, me);
  const DeviceUse devices = agree_on_devices(hellos, device);
  adopt(options.config, broadcast_text(bootstrap, agreed_knobs(options.config)));
  if (devices.any && options.config.slot_bytes == Config{}.slot_bytes)
    options.config.slot_bytes = devices.slot_bytes();

  bootstrap.enter("transport");
  auto transport =
      make_transport(options.config.transport, transport_setup(bootstrap, options.config));
  if (options.decorate) transport = options.decorate(std::move(transport));
  SymmetricTransport& wire = *transport;
  std::shared_ptr<Context> context(new Context(options, std::move(transport), wire));
  context->identity_ = hellos[0].identity;
  context->given_ = given.config;
  context->agreed_.devices = devices;
  context->device_side_ = std::move(device.side);
  context->agreed_.ranks_fit_cores = ranks_fit(hellos, me, topology.hostname);
  start_progress(context->helper_, options.config, free_cores(hellos, me), me);
  const collectives::LinkCost link = collectives::link_cost(wire.capabilities());
  context->agreed_.link =
      from_rank_0(bootstrap, context->agreed_.ranks_fit_cores ? link : collectives::in_turns(link));

  bootstrap.enter("signal region");
  context->signal_memory_ = std::make_shared<OwnedPages>(SignalRegion::bytes(kSignalLines));
  wire.keep(context->signal_memory_);
  const auto signals = wire.attach(context->signal_memory_->memory(), WindowRole::signals);
  const Window window = signals.value_or(Window{});
  const auto windows = exchange(bootstrap, window);
  if (!signals) throw_failure(wire, "the transport refused the signal region");
  for (std::uint32_t rank = 0; rank < windows.size(); ++rank)
    if (!wire.admit(Rank(rank), windows[rank].number, windows[rank].key))
      throw_failure(wire, "a peer's signal region can not be reached");
  bootstrap.enter("agreement");
  const auto maps = exchange(bootstrap, mapped_set(wire));
  context->agreed_.node_of = agree_on_nodes(maps);
  context->agreed_.load_store = everybody_maps_all(maps);
  context->agreed_.stream_bytes = from_rank_0(bootstrap, stream_bytes_here());
  context->agreed_.caches = from_rank_0(bootstrap, collectives::cache_layout_here());
  context->agreed_.topology = broadcast_text(
      bootstrap, collectives::topology_of(wire.capabilities(), context->agreed_.load_store));
  context->agreed_.tuning = agree_on_tuning(bootstrap, options.config);
  // What a device holds is no memory of its process.
  if (context->agreed_.load_store && options.config.single_copy && !devices.any) {
    context->processes_ = readable_processes(bootstrap);
    context->agreed_.single_copy = !context->processes_.empty();
  }
  context->prepare_signals(context->signal_memory_->memory());
  Context* raw = context.get();
  context->heap_ = std::make_shared<SymmetricHeap>(
      options.config.heap_limit,
      [raw](HeapExtent extent, std::span<std::byte> memory) { raw->add_extent(extent, memory); });
  wire.keep(context->heap_);
  return context;
}

namespace {

/// Agreement over a bootstrap, while there is no communicator to agree over.
Agreement agreement_over(Bootstrap& bootstrap) {
  Agreement agreement;
  agreement.maximum = [&bootstrap](std::uint64_t mine) {
    const auto all = exchange(bootstrap, mine);
    return *std::max_element(all.begin(), all.end());
  };
  agreement.exchange = [&bootstrap](const ExtentRecord& mine) {
    const auto all = exchange(bootstrap, mine);
    return std::vector<ExtentRecord>(all.begin(), all.end());
  };
  return agreement;
}

/// All of `members` (transport ranks), which the exchange of the agreement knows in this order.
GroupSetup whole_group(std::vector<Rank> members, Rank me) {
  GroupSetup group;
  group.me = me.value();
  group.members = std::move(members);
  for (std::uint32_t member = 0; member < group.members.size(); ++member)
    group.positions.push_back(member);
  return group;
}

std::vector<Rank> all_ranks(std::size_t size) {
  std::vector<Rank> ranks;
  for (std::uint32_t rank = 0; rank < size; ++rank) ranks.emplace_back(rank);
  return ranks;
}

}  // namespace

std::shared_ptr<CommunicatorState> wire_world(Bootstrap& bootstrap,
                                              const CommunicatorOptions& options) {
  PhasedBootstrap phased(bootstrap);
  auto context = Context::wire(phased, options);
  phased.enter("world");
  auto world = CommunicatorState::make(std::move(context),
                                       whole_group(all_ranks(bootstrap.size()), bootstrap.rank()),
                                       agreement_over(phased));
  world->meet(options.config.startup_timeout);
  world->context().keep_startup(phased.finish());
  return world;
}

std::shared_ptr<CommunicatorState> wire_again(Bootstrap& bootstrap,
                                              const CommunicatorOptions& options,
                                              std::weak_ptr<Context>& shared) {
  struct Identity {
    std::uint64_t context = 0;
    std::uint64_t rank = 0;
    std::uint64_t next_id = 0;
  };
  const auto context = shared.lock();
  Identity mine;
  if (context && context->suits(options)) {
    mine = {context->identity(), context->transport().rank().value(), context->propose_id()};
  }
  const auto all = exchange(bootstrap, mine);
  GroupSetup group;
  bool known = true;
  for (const Identity& other : all) {
    known &= other.context != 0 && other.context == all[0].context;
    group.id = std::max(group.id, other.next_id);
    group.members.emplace_back(static_cast<std::uint32_t>(other.rank));
  }
  if (!known) {
    auto world = wire_world(bootstrap, options);
    if (!context || context->failed()) shared = world->shared_context();
    return world;
  }
  const std::uint64_t id = group.id;
  context->adopt_id(id);
  context->also_on_failure(options.on_failure);
  group = whole_group(std::move(group.members), bootstrap.rank());
  group.id = id;
  auto state = CommunicatorState::make(context, std::move(group), agreement_over(bootstrap));
  state->barrier(CallPurpose::wire);
  return state;
}

std::shared_ptr<CommunicatorState> wire_over(std::shared_ptr<Context> context, Rank me,
                                             std::size_t size) {
  Agreement alone;  // every rank starts from the same empty memory, so first fit agrees by itself
  alone.maximum = [](std::uint64_t mine) { return mine; };
  alone.exchange = [size](const ExtentRecord& mine) {
    return std::vector<ExtentRecord>(size, mine);
  };
  return CommunicatorState::make(std::move(context), whole_group(all_ranks(size), me), alone);
}

}  // namespace rlx::detail
