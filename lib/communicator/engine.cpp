#include "lib/communicator/engine.hpp"

#include <sched.h>

#include <algorithm>

#include "lib/communicator/piece_memory.hpp"
#include "lib/communicator/spreading.hpp"

namespace rlx::detail {

using collectives::RunStatus;

const char* to_string(CallPurpose purpose) {
  switch (purpose) {
    case CallPurpose::user:
      return "call";
    case CallPurpose::allocate:
      return "allocate";
    case CallPurpose::split:
      return "split";
    case CallPurpose::duplicate:
      return "duplicate";
    case CallPurpose::close:
      return "close";
    case CallPurpose::wire:
      return "wiring";
  }
  return "call";
}

std::size_t EngineSetup::stage_half(std::size_t slot_bytes, std::size_t ranks) {
  return slot_bytes + ranks * kLineBytes;
}

std::size_t EngineSetup::bytes(std::uint32_t window, std::uint32_t sets, std::size_t slot_bytes,
                               std::size_t ranks) {
  return kControlBytes + sets * slot_bytes + 2 * window * stage_half(slot_bytes, ranks);
}

namespace {

/// What a call is made of, whichever epoch runs it.
void set_plan(collectives::RunArguments& arguments, const PreparedCall& plan,
              const collectives::BoundPlan& piece) noexcept {
  arguments.plan = &piece;
  arguments.on_device = plan.on_device;
  arguments.element_bytes = plan.element_bytes;
  arguments.kernel = plan.kernel;
  arguments.stream = plan.stream;
  arguments.dtype = plan.dtype;
  arguments.kind = plan.kind;
  arguments.divisor = plan.divisor;
}

/// The part of the chain that travels.
std::uint32_t hash_of(std::uint64_t chain) { return static_cast<std::uint32_t>(chain & 0xfff); }

/// splitmix64's finaliser: every bit of the arguments reaches the 12 that travel.
std::uint64_t mix(std::uint64_t chain, std::uint64_t value) {
  std::uint64_t x = chain + 0x9e3779b97f4a7c15ull + value;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

/// The flags of the call's descriptor, which are also what its hash is made of.
std::uint64_t flags_of(const CallArguments& a, CallPurpose purpose) {
  CallDescriptor flags;
  flags.operation = static_cast<std::uint8_t>(a.operation);
  flags.dtype = static_cast<std::uint8_t>(a.dtype);
  flags.kind = static_cast<std::uint8_t>(a.kind);
  flags.in_place = a.in_place;
  flags.symmetric_in = a.in.symmetric;
  flags.symmetric_out = a.out.symmetric;
  flags.purpose = static_cast<std::uint8_t>(purpose);
  flags.valid = 1;
  return descriptor_flags(flags);
}

}  // namespace

Engine::Engine(EngineSetup setup, collectives::RunEnvironment environment, FindWindow find_window,
               void* context)
    : setup_(std::move(setup)),
      environment_(environment),
      find_window_(find_window),
      context_(context),
      window_(setup_.window),
      sets_(setup_.sets),
      members_(static_cast<std::uint32_t>(setup_.peers.size())),
      active_(setup_.window) {
  environment_.peers = setup_.peers;
  for (Active& slot : active_) slot.peers.resize(setup_.peers.size());
  for (std::uint32_t set = 0; set < setup_.sets; ++set)
    environment_.signals.expected(setup_.first_line / kLinesPerGroup + set)
        .store(SignalValue::make(set, 0, 0), std::memory_order_release);
  publish_progress(0);
}

void Engine::assign(std::shared_ptr<CallState> call) {
  number(*call);
  waiting_.push_back(call);
  calls_in_flight_.push_back(std::move(call));
}

/// The call's place in the chain over all calls so far (rule 9).
void Engine::chain(CallState& call) noexcept {
  chain_ = mix(mix(chain_, flags_of(call.arguments, call.purpose)), call.prepared->count);
  call.hash = hash_of(chain_);
}

void Engine::bind(RepeatedCall& call) const {
  const PreparedCall& plan = *call.prepared;
  call.bound = plan.pieces == 1 && plan.schedule.all_dependent && !plan.names_windows &&
               !plan.stage_input && !plan.stage_output && plan.kernel != nullptr;
  if (!call.bound) return;
  call.flags = flags_of(call.arguments, CallPurpose::user);
  call.chain_from = call.chain_to = 0;
  collectives::RunArguments& arguments = call.run.prepare();
  set_plan(arguments, plan, plan.tail);
  const PieceMemory memory = piece_memory(call.arguments, plan, 0);
  arguments.input = {memory.input, setup_.memory_window};
  arguments.output = {memory.output, setup_.memory_window};
}

bool Engine::repeat(RepeatedCall& call, std::uint64_t sequence, std::uint32_t polls) noexcept {
  const PreparedCall& plan = *call.prepared;
  const std::uint64_t epoch = next_epoch_++;
  const std::uint64_t number = calls_++;
  next_start_ = next_epoch_;
  rooted_run_ = 0;
  const auto next_chain = [&] { return mix(mix(chain_, call.flags), plan.count); };
  chain_ = call.chain_from == chain_ ? call.chain_to : next_chain();
  collectives::RunArguments& arguments = call.run.prepare();
  set_epoch(arguments, plan, epoch);
  arguments.hash = hash_of(chain_);
  call.run.start();
  RunStatus status = call.run.advance(environment_);
  // Peers have what they wait for; now what they read when something is wrong, and what is next.
  publish_words(descriptor_line(number), number, sequence, epoch, std::uint64_t{1},
                std::uint64_t{plan.count}, std::uint64_t{arguments.hash}, call.flags);
  publish_progress(0);
  call.chain_from = chain_;
  call.chain_to = next_chain();
  for (std::uint32_t poll = 0; status != RunStatus::done; ++poll) {
    if (poll == polls || status == RunStatus::mismatch || status == RunStatus::failed) return false;
    status = call.run.advance(environment_);
  }
  expect(epoch);
  frontier_ = next_start_;
  own_next_lines(plan);
  return true;
}

void Engine::adopt(const std::shared_ptr<CallState>& state, const RepeatedCall& call) noexcept {
  state->call_number = calls_ - 1;
  state->first_epoch = frontier_;
  state->epochs = state->started = 1;
  state->hash = hash_of(chain_);
  Active& slot = active(frontier_);
  slot.call = state;
  slot.staging = Staging::none;
  slot.guard = false;
  slot.piece = 0;
  slot.run.take_over(call.run);
  calls_in_flight_.push_back(state);
}

bool Engine::run_alone(const std::shared_ptr<CallState>& call, std::uint32_t polls) noexcept {
  number(*call);
  const std::shared_ptr<CallState> borrowed(std::shared_ptr<void>(), call.get());  // no counting
  for (; call->started < call->epochs; ++call->started, ++next_start_) start(borrowed);
  advance_epochs();  // what peers wait for goes first, what they read when something is wrong later
  describe(*call);
  publish_progress(0);
  for (std::uint32_t poll = 0; frontier_ != next_start_ && failure_ == RunStatus::idle; ++poll) {
    if (poll == polls) break;
    advance_epochs();
  }
  if (frontier_ == next_start_) {
    own_next_lines(*call->prepared);
    return true;
  }
  for (std::uint64_t epoch = frontier_; epoch < next_start_; ++epoch)
    if (active(epoch).call) active(epoch).call = call;
  calls_in_flight_.push_back(call);
  return false;
}

/// Takes the lines that the next epoch will probably write into this core's cache: others have read
/// them D epochs ago, and the store of a shared line waits until they have let go.
void Engine::own_next_lines(const PreparedCall& call) const noexcept {
  const auto set = sets_(next_start_);
  const std::uint32_t turned = turn(call, next_start_);
  const std::size_t first_line = (setup_.first_line + set * kLinesPerGroup) * kLineBytes;
  const std::size_t slot = set * setup_.slot_bytes;
  for (const collectives::BoundRef& ref : call.tail.shared_lines) {
    const std::uint32_t owner = ref.peer == collectives::kMe ? environment_.me : ref.peer;
    const bool word = ref.space == collectives::Space::line;
    const std::byte* line = (word ? setup_.peers[owner].signals + first_line
                                  : setup_.peers[members_(owner + turned)].scratch + slot) +
                            ref.offset;
#if defined(__x86_64__)
    asm volatile("prefetchw %0" : : "m"(*line));
#else
    __builtin_prefetch(line, 1);
#endif
  }
}

/// A call gets its number, its epochs and its place in the hash chain.
void Engine::number(CallState& call) noexcept {
  call.call_number = calls_++;
  call.first_epoch = next_epoch_;
  call.epochs = call.prepared->pieces;
  if (call.prepared->schedule.all_dependent)
    rooted_run_ = 0;
  else
    place_guards(call);
  chain(call);
  next_epoch_ += call.epochs;
}

/// Looks only at the sequence of kinds, so every rank decides alike (rule 5).
void Engine::place_guards(CallState& call) {
  const std::uint32_t allowed = setup_.sets - 2 * setup_.window;
  call.epochs = 0;
  for (std::uint32_t piece = 0; piece < call.prepared->pieces; ++piece) {
    if (rooted_run_ >= allowed) {
      call.guards.push_back(call.epochs++);
      rooted_run_ = 0;
    }
    ++call.epochs;
    ++rooted_run_;
  }
}

void Engine::describe(const CallState& call) noexcept {
  publish_words(descriptor_line(call.call_number), call.call_number, call.sequence,
                call.first_epoch, std::uint64_t{call.epochs}, std::uint64_t{call.prepared->count},
                std::uint64_t{call.hash}, flags_of(call.arguments, call.purpose));
}

CallDescriptor Engine::descriptor(std::uint64_t call_number) const noexcept {
  CallDescriptor descriptor;
  std::memcpy(&descriptor, setup_.memory + (1 + call_number % kDescriptors) * kLineBytes,
              sizeof descriptor);
  return descriptor;
}

void Engine::publish_progress(std::uint64_t awaited) noexcept {
  const std::uint64_t core = setup_.ranks_fit_cores ? 0 : 1 + sched_getcpu();
  publish_words(setup_.memory, next_start_, frontier_, calls_, awaited, steps_, core);
}

std::vector<int> Engine::cores() const {
  std::vector<int> cores;
  for (const collectives::PeerRoute& peer : setup_.peers) {
    std::uint64_t core = 0;
    if (peer.scratch != nullptr) {
      const std::byte* line = peer.scratch - kControlBytes;
      core =
          reinterpret_cast<const std::atomic<std::uint64_t>*>(line + offsetof(ProgressLine, core))
              ->load(std::memory_order_relaxed);
    }
    cores.push_back(core == 0 ? kNoCore : static_cast<int>(core - 1));
  }
  return cores;
}

bool Engine::advance() noexcept {
  if (failure_ != RunStatus::idle || idle()) return false;
  bool moved = start_ready();
  const std::uint64_t before = frontier_;
  moved |= advance_epochs();
  if (frontier_ != before) start_ready();
  steps_ += moved;
  return moved;
}

/// Every epoch in flight as far as it gets. True if any moved, or failed.
bool Engine::advance_epochs() noexcept {
  bool moved = false;
  for (std::uint64_t epoch = frontier_; epoch < next_start_; ++epoch) {
    Active& slot = active(epoch);
    if (!slot.call) continue;
    const RunStatus status = advance_epoch(slot);
    if (status == RunStatus::idle) continue;
    moved = true;
    if (status == RunStatus::mismatch || status == RunStatus::failed) {
      failure_ = status;
      failed_epoch_ = epoch;
      return moved;
    }
    if (status == RunStatus::done) finish(slot);
  }
  while (frontier_ < next_start_ && !active(frontier_).call) ++frontier_;
  return moved;
}

/// Staging by a device goes before and after the run, without holding up other epochs.
RunStatus Engine::advance_epoch(Active& slot) noexcept {
  if (slot.staging == Staging::none) {
    const RunStatus status = slot.run.advance(environment_);
    if (status != RunStatus::done || slot.guard || !slot.call->prepared->stage_output ||
        stage_out(slot))
      return status;
    slot.staging = Staging::out;
    return RunStatus::moved;
  }
  if (!setup_.device->compute().done(slot.ticket)) return RunStatus::idle;
  const bool over = slot.staging == Staging::out;
  slot.staging = Staging::none;
  return over ? RunStatus::done : RunStatus::moved;
}

bool Engine::start_ready() noexcept {
  bool any = false;
  while (!waiting_.empty() && next_start_ < frontier_ + setup_.window) {
    const std::shared_ptr<CallState>& call = waiting_.front();
    if (call->held) break;
    if (call->started == 0) describe(*call);
    start(call);
    ++next_start_;
    any = true;
    if (++call->started == call->epochs) waiting_.pop_front();
  }
  if (any) publish_progress(0);
  return any;
}

void Engine::start(const std::shared_ptr<CallState>& call) noexcept {
  Active& slot = active(next_start_);
  const auto& guards = call->guards;
  slot.call = call;
  slot.staging = Staging::none;
  slot.guard = std::binary_search(guards.begin(), guards.end(), call->started);
  slot.piece = call->started -
               static_cast<std::uint32_t>(
                   std::lower_bound(guards.begin(), guards.end(), call->started) - guards.begin());
  const PreparedCall& plan = slot.guard ? *setup_.guard : *call->prepared;
  collectives::RunArguments& arguments = slot.run.prepare();
  set_plan(arguments, plan, slot.guard || slot.piece + 1 == plan.pieces ? plan.tail : plan.full);
  set_epoch(arguments, plan, next_start_);
  arguments.hash = call->hash;
  arguments.peer_memory = slot.peers.data();
  if (!slot.guard) set_memory(arguments, slot);
  slot.run.start();
}

/// Where signals and scratch of the epoch are.
void Engine::set_epoch(collectives::RunArguments& arguments, const PreparedCall& plan,
                       std::uint64_t epoch) const noexcept {
  const auto set = sets_(epoch);
  arguments.epoch = epoch;
  arguments.first_line = setup_.first_line + set * kLinesPerGroup;
  arguments.slot_offset = set * setup_.slot_bytes;
  arguments.turn = turn(plan, epoch);
  const collectives::PeerRoute& keeper = setup_.peers[members_(environment_.me + arguments.turn)];
  std::byte* slots = plan.on_device ? keeper.device_scratch : setup_.memory + kControlBytes;
  if (arguments.turn != 0) slots = keeper.scratch;
  arguments.scratch = {slots + arguments.slot_offset, setup_.memory_window};
}

/// The set of a complete epoch is the one of an epoch to come.
void Engine::expect(std::uint64_t epoch) const noexcept {
  environment_.signals.expected(setup_.first_line / kLinesPerGroup + sets_(epoch))
      .store(SignalValue::make(epoch + setup_.sets, 0, 0), std::memory_order_release);
}

void Engine::finish(Active& slot) noexcept {
  CallState& call = *slot.call;
  expect(slot.run.epoch());
  const std::shared_ptr<CallState> keep = std::move(slot.call);
  slot.call = nullptr;
  if (++call.finished < call.epochs) return;
  detach_memory(call, *environment_.transport);
  if (!call.output_aside.empty())
    std::memcpy(call.arguments.out.data, call.output_aside.data(), call.output_aside.size());
  call.done.store(true, std::memory_order_release);
  while (!calls_in_flight_.empty() &&
         calls_in_flight_.front()->done.load(std::memory_order_relaxed))
    calls_in_flight_.pop_front();
}

void Engine::abandon() noexcept {
  failure_ = RunStatus::failed;
  waiting_.clear();
  calls_in_flight_.clear();
  for (Active& slot : active_) slot.call = nullptr;
}

Blocked Engine::blocked() const noexcept {
  if (failure_ != RunStatus::idle) {
    const Active& slot = active(failed_epoch_);
    return {slot.call.get(), slot.run.blocked(), failed_epoch_};
  }
  for (std::uint64_t epoch = frontier_; epoch < next_start_; ++epoch) {
    const Active& slot = active(epoch);
    if (!slot.call || slot.staging != Staging::none || slot.run.awaits_device()) continue;
    if (const collectives::BoundStep* step = slot.run.blocked())
      return {slot.call.get(), step, epoch};
  }
  return {};
}

Blocked Engine::undelivered() const noexcept {
  const auto gone = [this](std::uint32_t peer) {
    return environment_.transport->peer_failed(setup_.peers[peer].rank);
  };
  for (std::uint64_t epoch = frontier_; epoch < next_start_; ++epoch) {
    const Active& slot = active(epoch);
    if (!slot.call || slot.staging != Staging::none || slot.run.awaits_device()) continue;
    if (const collectives::BoundStep* step = slot.run.undelivered(gone))
      return {slot.call.get(), step, epoch};
  }
  return {};
}

Blocked Engine::oldest() const noexcept {
  for (std::uint64_t epoch = frontier_; epoch < next_start_; ++epoch) {
    const Active& slot = active(epoch);
    if (slot.call) return {slot.call.get(), slot.run.blocked(), epoch};
  }
  return {};
}

std::uint64_t Engine::oldest_call() const noexcept {
  for (const auto& call : calls_in_flight_)
    if (!call->done.load(std::memory_order_relaxed)) return call->id;
  return ~std::uint64_t{0};
}

}  // namespace rlx::detail
