#include "lib/communicator/communicator_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "lib/communicator/diagnosis.hpp"
#include "lib/communicator/nodes.hpp"

namespace rlx::detail {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kGroupBytes = kLinesPerGroup * kLineBytes;

/// Also where not all ranks of the Context are mapped: members of one node.
bool maps_all_members(const Context& context, const GroupSetup& group) {
  const AgreedValues& agreed = context.agreed();
  return agreed.load_store ||
         (group.members.size() > 1 && on_one_node(agreed.node_of, group.members));
}

/// Null where members are all mates, or none are.
std::shared_ptr<const collectives::Nodes> nodes_of_members(const Context& context,
                                                           const GroupSetup& group) {
  std::vector<std::uint32_t> node_of;
  for (const Rank member : group.members)
    node_of.push_back(context.agreed().node_of[member.index()]);
  auto nodes = std::make_shared<const collectives::Nodes>(node_of);
  return nodes->mixed() ? nodes : nullptr;
}

PlanEnvironment plan_environment(Context& context, const GroupSetup& group) {
  const Config& config = context.config();
  PlanEnvironment environment;
  environment.ranks = static_cast<std::uint32_t>(group.members.size());
  environment.rank = group.me;
  environment.slot_bytes = config.slot_bytes;
  environment.window = config.window;
  environment.link = context.agreed().link;
  environment.load_store = maps_all_members(context, group);
  if (environment.load_store) environment.caches = context.agreed().caches;
  environment.nodes = nodes_of_members(context, group);
  environment.single_copy = context.agreed().single_copy;
  environment.stream_bytes = context.agreed().stream_bytes;
  environment.algorithm = config.algorithm;
  environment.tuning = context.agreed().tuning;
  environment.topology = environment.load_store ? std::string(collectives::kMappedTopology)
                                                : context.agreed().topology;
  environment.local_registration = context.transport().capabilities().local_registration;
  environment.devices = context.agreed().devices.any;
  environment.device_dtypes = context.agreed().devices.dtypes;
  environment.call_windows = config.register_private && !environment.devices &&
                             context.transport().capabilities().call_windows;
  return environment;
}

std::pair<WindowNumber, std::byte*> find_window(void* context, const std::byte* address) {
  return static_cast<Context*>(context)->find_window(address);
}

}  // namespace

CommunicatorState::CommunicatorState(std::shared_ptr<Context> context, GroupSetup group)
    : context_(std::move(context)),
      group_(std::move(group)),
      maps_all_(maps_all_members(*context_, group_)) {
  exceptions_ = std::uncaught_exceptions();
}

std::shared_ptr<CommunicatorState> CommunicatorState::make(std::shared_ptr<Context> context,
                                                           GroupSetup group,
                                                           const Agreement& agreement) {
  std::shared_ptr<CommunicatorState> state(
      new CommunicatorState(std::move(context), std::move(group)));
  state->reserve(agreement);
  state->memory_resource_ = std::make_shared<SymmetricResource>(state);
  const std::lock_guard lock(state->context_->mutex());
  state->context_->enter(*state);
  state->entered_ = true;
  return state;
}

collectives::PeerRoute CommunicatorState::route_to(std::size_t member,
                                                   const ExtentRecord& record) const {
  Context& context = *context_;
  const Rank rank = group_.members[member];
  collectives::PeerRoute route{
      rank, record.window, record.window_offset + memory_offset_ - record.start + kControlBytes};
  if (member == group_.me) {
    route.signals = context.signals().line(0);
    route.scratch = context.heap().at(memory_offset_) + kControlBytes;
  } else if (context.agreed().node_of[rank.index()] ==
             context.agreed().node_of[context.transport().rank().index()]) {
    route.signals = context.transport().mapped(rank, kSignalWindow);
    route.scratch = context.transport().mapped(rank, record.window) + route.scratch_offset;
    route.process = context.process_of(rank);
  }
  return route;
}

/// Words and scratch, agreed; then everybody's routes. Peers may signal as soon as the exchange is
/// over, so the expected epochs are set before it.
void CommunicatorState::reserve(const Agreement& agreement) {
  Context& context = *context_;
  const Config& config = context.config();
  EngineSetup setup;
  setup.window = config.window;
  setup.ranks_fit_cores = context.agreed().ranks_fit_cores;
  setup.sets = 2 * config.window;
  setup.slot_bytes = config.slot_bytes;
  setup.stage_bytes = EngineSetup::stage_half(config.slot_bytes, size());
  const std::size_t bytes = EngineSetup::bytes(setup.window, setup.sets, setup.slot_bytes, size());
  memory_offset_ = context.heap().allocate(bytes, kPage, group_.id, agreement.maximum);
  // Only whole groups are allocated there, so every free place starts with one.
  words_offset_ = context.signal_heap().allocate(setup.sets * kGroupBytes, kLineBytes, group_.id,
                                                 agreement.maximum);
  setup.first_line = static_cast<std::uint32_t>(words_offset_ / kLineBytes);
  setup.memory = context.heap().at(memory_offset_);
  for (std::uint32_t set = 0; set < setup.sets; ++set)
    context.signals()
        .expected(setup.first_line / kLinesPerGroup + set)
        .store(SignalValue::make(set, 0, 0), std::memory_order_release);
  const ExtentRecord mine = context.extent_of(memory_offset_);
  setup.memory_window = mine.window;
  setup.memory_offset = mine.window_offset + memory_offset_ - mine.start;
  const std::vector<ExtentRecord> records = agreement.exchange(mine);
  for (std::size_t member = 0; member < size(); ++member) {
    const ExtentRecord& record = records[group_.positions[member]];
    context.admit(group_.members[member], record);
    setup.peers.push_back(route_to(member, record));
  }
  PlanEnvironment plan_inputs = plan_environment(context, group_);
  plan_inputs.devices_reach_all = import_members(setup, bytes, agreement);
  if (plan_inputs.devices_reach_all) share_device(setup, agreement);
  plan_inputs.slots_on_device = device_slots_.any();
  plan_inputs.direct_bytes =
      context.agreed().devices.direct_bytes(group_.members, device_slots_.any());
  plans_ = std::make_unique<PlanCache>(std::move(plan_inputs));
  setup.guard = plans_->prepare(CallArguments{});
  collectives::RunEnvironment environment;
  environment.transport = &context.transport();
  environment.compute = setup.device != nullptr ? &setup.device->compute() : &cpu_compute();
  environment.signals = context.signals();
  environment.me = group_.me;
  environment.hash_mask = (1u << context.transport().capabilities().hash_bits) - 1;
  engine_ = std::make_unique<Engine>(std::move(setup), environment, find_window, &context);
}

/// Makes the scratch of all members, and my staging, reachable for my device. True when the devices
/// of all members reach what they need for schedules that they run themselves.
bool CommunicatorState::import_members(EngineSetup& setup, std::size_t bytes,
                                       const Agreement& agreement) {
  Context& context = *context_;
  const DeviceUse& devices = context.agreed().devices;
  if (!devices.any) return false;
  setup.device = context.device_side();
  const bool wanted = maps_all_ && devices.imports;
  bool all = wanted;
  for (std::size_t member = 0; member < size() && setup.device != nullptr; ++member) {
    const bool mine = member == group_.me;
    if (!mine && !wanted) continue;
    std::byte* const memory = setup.peers[member].scratch - kControlBytes;
    auto import = setup.device->import_host({memory, bytes});
    if (mine) setup.device_reaches_memory = import != nullptr;
    all = all && import != nullptr;
    if (import != nullptr) imports_.push_back(std::move(import));
  }
  return agreement.maximum(all ? 0 : 1) == 0;
}

/// Members on the same device get slots on it. All who agree take part.
void CommunicatorState::share_device(EngineSetup& setup, const Agreement& agreement) {
  const DeviceUse& devices = context_->agreed().devices;
  if (!devices.shared) return;
  const bool wanted = size() > 1 && devices.same(group_.members);
  device_slots_ = DeviceSlots::share(wanted ? setup.device : nullptr, setup.sets * setup.slot_bytes,
                                     group_.members, group_.me, agreement.maximum);
  if (!device_slots_.any()) return;
  for (std::size_t member = 0; member < size(); ++member)
    setup.peers[member].device_scratch = device_slots_.of(member);
}

CommunicatorState::~CommunicatorState() {
  if (!entered_) return;
  const std::lock_guard lock(context_->mutex());
  context_->leave(*this);
  context_->keep(std::move(engine_));
}

namespace {

[[noreturn]] void throw_closed(const std::string& operation) {
  throw CollectiveError(ErrorKind::Closed, operation,
                        "the communicator was closed; make calls before close()");
}

}  // namespace

/// Peers count on this rank's memory, so that the call can not be made without.
void CommunicatorState::throw_refused(const CallState& call) {
  const auto failure = context_->transport().failure();
  ErrorDetails details;
  details.kind = failure ? failure->kind : ErrorKind::Transport;
  details.ranks = {rank()};
  details.operation = operation_name(call);
  details.sequence = call.sequence;
  details.message = fmt::format(
      "{}; private memory of long calls is registered for them: RLX_REGISTER=off does without, and "
      "memory of the symmetric heap needs none",
      failure ? failure->message : "the transport refused private memory");
  fail(details);
  throw CollectiveError(std::move(details));
}

std::shared_ptr<CallState> CommunicatorState::submit(const CallArguments& arguments,
                                                     std::shared_ptr<const PreparedCall> prepared,
                                                     CallPurpose purpose, bool held) {
  context_->refuse_forked_child();
  auto call = std::make_shared<CallState>();
  call->arguments = arguments;
  call->prepared = std::move(prepared);
  call->purpose = purpose;
  call->held = held;
  call->communicator = shared_from_this();
  prepare_memory(*call, *this);
  const std::lock_guard lock(context_->mutex());
  context_->look_at_health();
  context_->throw_if_failed();
  if (closed_) throw_closed(operation_name(*call));
  call->sequence = purpose == CallPurpose::user ? sequence_++ : sequence_;
  call->id = context_->next_call_id();
  if (!attach_memory(*call, context_->transport())) throw_refused(*call);
  const bool first = engine_->idle();
  engine_->assign(call);
  if (first) {
    context_->advance_calls();
  } else {
    context_->advance();  // whoever makes many calls and waits late keeps them moving
  }
  return call;
}

namespace {

/// Calls of arrays that lie apart rarely share one.
std::size_t place_of(const CallArguments& arguments, std::size_t places) {
  const auto bits = [](const std::byte* data) {
    return reinterpret_cast<std::uintptr_t>(data) >> 6;
  };
  return (bits(arguments.in.data) * 3 + bits(arguments.out.data) + arguments.out.count +
          static_cast<std::size_t>(arguments.operation)) %
         places;
}

}  // namespace

RepeatedCall* CommunicatorState::recall(const CallArguments& arguments) noexcept {
  RepeatedCall& known = known_[place_of(arguments, known_.size())];
  return known.prepared && known.arguments == arguments ? &known : nullptr;
}

RepeatedCall& CommunicatorState::remember(const CallArguments& arguments,
                                          std::shared_ptr<const PreparedCall> prepared) {
  RepeatedCall& known = known_[place_of(arguments, known_.size())];
  prepare(known, arguments, std::move(prepared));
  return known;
}

void CommunicatorState::prepare(RepeatedCall& call, const CallArguments& arguments,
                                std::shared_ptr<const PreparedCall> prepared) const {
  call.arguments = arguments;
  call.prepared = std::move(prepared);
  if (maps_all_) engine_->bind(call);
}

void CommunicatorState::run(RepeatedCall& call) {
  if (!maps_all_ || !engine_->may_run_alone(*call.prepared))
    return complete(*submit(call.arguments, call.prepared, CallPurpose::user, false));
  if (!run_alone(call)) complete(*blocking_);
}

/// The short way of a call that finds nothing in flight: nothing is allocated or queued, and the
/// engine lock is held for as long as polling costs less than letting others in. True when it is
/// complete; otherwise blocking_ is.
bool CommunicatorState::run_alone(RepeatedCall& call) {
  constexpr std::uint32_t kPolls = 1000;
  const std::uint32_t polls = context_->agreed().ranks_fit_cores ? kPolls : 1;
  context_->refuse_forked_child();
  const std::lock_guard lock(context_->mutex());
  context_->look_at_health();
  context_->throw_if_failed();
  if (closed_)
    throw_closed(std::string(collectives::to_string(call.prepared->schedule.collective)));
  const bool alone = !context_->in_flight() && engine_->idle();
  if (alone && call.bound) {
    const std::uint64_t sequence = sequence_++;
    if (engine_->repeat(call, sequence, polls)) return true;
    CallState& state = blocking_call(call);
    state.sequence = sequence;
    engine_->adopt(blocking_, call);
    return false;
  }
  CallState& state = blocking_call(call);
  state.sequence = sequence_++;
  if (alone) return engine_->run_alone(blocking_, polls);
  engine_->assign(blocking_);
  context_->advance();
  return state.done.load(std::memory_order_relaxed);
}

/// blocking_, as a call that starts. Sequence and epochs are left to be given.
CallState& CommunicatorState::blocking_call(const RepeatedCall& call) {
  if (!blocking_ || blocking_.use_count() > 1) blocking_ = std::make_shared<CallState>();
  CallState& state = *blocking_;
  state.arguments = call.arguments;
  if (state.prepared != call.prepared) state.prepared = call.prepared;
  state.started = state.finished = 0;
  state.done.store(false, std::memory_order_relaxed);
  state.id = context_->next_call_id();
  return state;
}

void CommunicatorState::release_start(CallState& call) {
  const std::lock_guard lock(context_->mutex());
  call.held = false;
}

void CommunicatorState::complete(const CallState& call) {
  context_->wait([&] { return call.done.load(std::memory_order_acquire); });
}

void CommunicatorState::run_internal(const CallArguments& arguments, CallPurpose purpose) {
  complete(*submit(arguments, plans_->prepare(arguments), purpose, false));
}

std::uint64_t CommunicatorState::maximum(std::uint64_t mine, CallPurpose purpose) {
  CallArguments arguments{Operation::all_reduce, DType::u64, ReduceKind::Max, true, {}, {}};
  arguments.out = {reinterpret_cast<std::byte*>(&mine), 1, false, 0};
  run_internal(arguments, purpose);
  return mine;
}

std::vector<std::byte> CommunicatorState::gather(std::span<const std::byte> mine,
                                                 CallPurpose purpose) {
  std::vector<std::byte> all(mine.size() * size());
  CallArguments arguments{Operation::all_gather, DType::u8, ReduceKind::Sum, false, {}, {}};
  arguments.in = {const_cast<std::byte*>(mine.data()), mine.size(), false, 0};
  arguments.out = {all.data(), all.size(), false, 0};
  run_internal(arguments, purpose);
  return all;
}

void CommunicatorState::barrier(CallPurpose purpose) { run_internal(CallArguments{}, purpose); }

Agreement CommunicatorState::agreement(CallPurpose purpose) {
  Agreement agreement;
  agreement.maximum = [this, purpose](std::uint64_t mine) { return maximum(mine, purpose); };
  agreement.exchange = [this, purpose](const ExtentRecord& mine) {
    const std::vector<std::byte> all = gather(std::as_bytes(std::span(&mine, 1)), purpose);
    std::vector<ExtentRecord> records(size());
    std::memcpy(records.data(), all.data(), all.size());
    return records;
  };
  return agreement;
}

void CommunicatorState::fail(ErrorDetails details) noexcept {
  std::vector<Rank> ranks;
  for (const Rank member : details.ranks)
    if (member.index() < size()) ranks.push_back(group_.members[member.index()]);
  context_->fail(std::move(details), std::move(ranks));
}

std::vector<Rank> CommunicatorState::members_of(const std::vector<Rank>& ranks) const {
  std::vector<Rank> members;
  for (const Rank rank : ranks) {
    const auto found = std::find(group_.members.begin(), group_.members.end(), rank);
    if (found != group_.members.end())
      members.emplace_back(static_cast<std::uint32_t>(found - group_.members.begin()));
  }
  return members;
}

}  // namespace rlx::detail
