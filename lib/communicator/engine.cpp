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

void copy_bytes(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  std::memcpy(to, from, bytes);
}

ComputeTicket submit_copy(Compute& compute, std::byte* to, const std::byte* from,
                          std::size_t bytes) noexcept {
  return compute.submit({.destinations = {&to, 1}, .sources = {&from, 1}, .count = bytes});
}

/// splitmix64's finaliser: every bit of the arguments reaches the 12 that travel.
std::uint64_t mix(std::uint64_t chain, std::uint64_t value) {
  std::uint64_t x = chain + 0x9e3779b97f4a7c15ull + value;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

/// The flags of the call's descriptor, which are also what its hash is made of.
std::uint64_t flags_of(const CallState& call) {
  const CallArguments& a = call.arguments;
  CallDescriptor flags;
  flags.operation = static_cast<std::uint8_t>(a.operation);
  flags.dtype = static_cast<std::uint8_t>(a.dtype);
  flags.kind = static_cast<std::uint8_t>(a.kind);
  flags.in_place = a.in_place;
  flags.symmetric_in = a.in.symmetric;
  flags.symmetric_out = a.out.symmetric;
  flags.purpose = static_cast<std::uint8_t>(call.purpose);
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
  chain_ = mix(mix(chain_, flags_of(call)), call.prepared->count);
  call.hash = static_cast<std::uint32_t>(chain_ & 0xfff);
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
    own_next_lines(call->prepared->tail);
    return true;
  }
  for (std::uint64_t epoch = frontier_; epoch < next_start_; ++epoch)
    if (active(epoch).call) active(epoch).call = call;
  calls_in_flight_.push_back(call);
  return false;
}

/// Takes the lines that the next epoch will probably write into this core's cache: others have read
/// them D epochs ago, and the store of a shared line waits until they have let go.
void Engine::own_next_lines(const collectives::BoundPlan& plan) const noexcept {
  const auto set = sets_(next_start_);
  const std::size_t first_line = (setup_.first_line + set * kLinesPerGroup) * kLineBytes;
  const std::size_t slot = set * setup_.slot_bytes;
  for (const collectives::BoundRef& ref : plan.shared_lines) {
    const std::uint32_t owner = ref.peer == collectives::kMe ? environment_.me : ref.peer;
    const collectives::PeerRoute& peer = environment_.peers[owner];
    const std::byte* line =
        (ref.space == collectives::Space::line ? peer.signals + first_line : peer.scratch + slot) +
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
  publish_words(setup_.memory + (1 + call.call_number % kDescriptors) * kLineBytes,
                call.call_number, call.sequence, call.first_epoch, std::uint64_t{call.epochs},
                std::uint64_t{call.prepared->count}, std::uint64_t{call.hash}, flags_of(call));
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
  arguments.plan = slot.guard || slot.piece + 1 == plan.pieces ? &plan.tail : &plan.full;
  arguments.epoch = next_start_;
  arguments.hash = call->hash;
  const auto set = sets_(next_start_);
  arguments.first_line = setup_.first_line + set * kLinesPerGroup;
  arguments.slot_offset = set * setup_.slot_bytes;
  arguments.on_device = plan.on_device;
  std::byte* const slots =
      plan.on_device ? setup_.peers[environment_.me].device_scratch : setup_.memory + kControlBytes;
  arguments.scratch = {slots + arguments.slot_offset, setup_.memory_window};
  arguments.peer_memory = slot.peers.data();
  arguments.element_bytes = plan.element_bytes;
  arguments.kernel = plan.kernel;
  arguments.stream = plan.stream;
  arguments.dtype = plan.dtype;
  arguments.kind = plan.kind;
  arguments.divisor = plan.divisor;
  if (!slot.guard) set_memory(arguments, slot);
  slot.run.start();
}

std::byte* Engine::stage(std::uint64_t epoch) const noexcept {
  return setup_.memory + kControlBytes + setup_.sets * setup_.slot_bytes +
         window_(epoch) * 2 * setup_.stage_bytes;
}

/// Memory that is a window of this call's own.
void Engine::use_attached(const CallState& call, collectives::RunArguments& arguments,
                          collectives::ArriveLine& arrive) noexcept {
  if (call.input_attached.base != nullptr)
    arguments.input.window = call.input_attached.window.number;
  if (call.output_attached.base == nullptr) return;
  const Window& window = call.output_attached.window;
  arguments.output.window = window.number;
  if (call.arguments.in_place) arguments.input.window = window.number;
  arrive.output_window = window.number;
  arrive.output_offset =
      static_cast<std::uint64_t>(arguments.output.base - call.output_attached.base);
  arrive.key_length = window.key.length;
  std::copy_n(window.key.bytes.begin(), window.key.length, arrive.key.begin());
}

/// Copies the input of an epoch that starts to staging: at once, or by the device, for which
/// advance_epoch() then waits.
void Engine::stage_in(Active& slot, const PieceMemory& memory, std::byte* staging) noexcept {
  const PreparedCall& plan = *slot.call->prepared;
  const CallArguments& arguments = slot.call->arguments;
  DeviceMemory* const device = arguments.in_place ? arguments.out.device : arguments.in.device;
  if (device == nullptr) return for_each_input(plan, memory, staging, copy_bytes);
  if (setup_.device_reaches_memory) {
    for_each_input(plan, memory, staging, [&](std::byte* to, const std::byte* from, auto bytes) {
      slot.ticket = submit_copy(setup_.device->compute(), to, from, bytes);
      slot.staging = Staging::in;
    });
    return;
  }
  for_each_input(plan, memory, staging, [&](std::byte* to, const std::byte* from, auto bytes) {
    setup_.device->read(*device, from, {to, bytes});
  });
}

/// Copies the output of an epoch that is over from staging. True when it has arrived; otherwise the
/// device has been told.
bool Engine::stage_out(Active& slot) noexcept {
  const PreparedCall& plan = *slot.call->prepared;
  const PieceMemory memory = piece_memory(*slot.call, slot.piece);
  const std::byte* const staging = stage(slot.run.epoch()) + setup_.stage_bytes;
  DeviceMemory* const device = slot.call->arguments.out.device;
  if (device == nullptr) {
    for_each_output(plan, memory, staging, copy_bytes);
    return true;
  }
  if (setup_.device_reaches_memory) {
    for_each_output(plan, memory, staging, [&](std::byte* to, const std::byte* from, auto bytes) {
      slot.ticket = submit_copy(setup_.device->compute(), to, from, bytes);
    });
    return memory.count == 0;
  }
  for_each_output(plan, memory, staging, [&](std::byte* to, const std::byte* from, auto bytes) {
    setup_.device->write(*device, to, {from, bytes});
  });
  return true;
}

void Engine::set_memory(collectives::RunArguments& arguments, Active& slot) noexcept {
  const CallState& call = *slot.call;
  const PieceMemory memory = piece_memory(call, slot.piece);
  std::byte* staging = stage(arguments.epoch);
  if (call.prepared->stage_input) stage_in(slot, memory, staging);
  std::byte* input = call.prepared->stage_input ? staging : memory.input;
  std::byte* output = call.prepared->stage_output ? staging + setup_.stage_bytes : memory.output;
  arguments.input = {input, setup_.memory_window};
  arguments.output = {output, setup_.memory_window};
  if (!call.prepared->names_windows) return;
  collectives::ArriveLine arrive;
  arrive.count = memory.count;
  const auto announce = [&](collectives::RunMemory& run, std::uint64_t& offset,
                            std::uint16_t& window) {
    const auto [number, base] = find_window_(context_, run.base);
    run.window = number;
    window = base ? number : collectives::kPrivateMemory;
    offset = base ? static_cast<std::uint64_t>(run.base - base)
                  : reinterpret_cast<std::uint64_t>(run.base);
  };
  announce(arguments.input, arrive.input_offset, arrive.input_window);
  announce(arguments.output, arrive.output_offset, arrive.output_window);
  use_attached(call, arguments, arrive);
  std::byte* line = setup_.memory + kArrivalOffset + window_(arguments.epoch) * kLineBytes;
  std::memcpy(line, &arrive, sizeof arrive);
  arguments.arrival = {line, setup_.memory_window};
}

void Engine::finish(Active& slot) noexcept {
  const std::uint64_t epoch = slot.run.epoch();
  CallState& call = *slot.call;
  const auto set = sets_(epoch);
  environment_.signals.expected(setup_.first_line / kLinesPerGroup + set)
      .store(SignalValue::make(epoch + setup_.sets, 0, 0), std::memory_order_release);
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
