#include "collectives/executor/epoch_run.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/symmetric/single_copy.hpp"

namespace rlx::collectives {

void EpochRun::start() noexcept {
  const BoundPlan& plan = *arguments_.plan;
  std::uint32_t begin = 0;
  for (std::size_t lane = 0; lane < plan.lane_end.size(); ++lane) {
    next_[lane] = begin;
    computing_[lane] = storing_[lane] = false;
    begin = plan.lane_end[lane];
  }
  awaits_device_ = false;
  completion_.issued.store(0, std::memory_order_relaxed);
  completion_.local.store(0, std::memory_order_relaxed);
  completion_.remote.store(0, std::memory_order_relaxed);
}

void EpochRun::take_over(const EpochRun& other) noexcept {
  arguments_ = other.arguments_;
  start();
  next_ = other.next_;
}

RunStatus EpochRun::advance(const RunEnvironment& environment) noexcept {
  const BoundPlan& plan = *arguments_.plan;
  bool moved = false;
  bool finished = true;
  awaits_device_ = false;
  for (std::size_t lane = 0; lane < plan.lane_end.size(); ++lane) {
    while (next_[lane] < plan.lane_end[lane]) {
      const RunStatus status = step(plan.steps[next_[lane]], environment);
      if (status == RunStatus::mismatch || status == RunStatus::failed) return status;
      if (status == RunStatus::idle) break;
      ++next_[lane];
      moved = true;
    }
    finished = finished && next_[lane] == plan.lane_end[lane] && settled(lane, environment);
  }
  if (finished && completion_.drained()) return RunStatus::done;
  return moved ? RunStatus::moved : RunStatus::idle;
}

const BoundStep* EpochRun::blocked() const noexcept {
  const BoundPlan& plan = *arguments_.plan;
  for (std::size_t lane = 0; lane < plan.lane_end.size(); ++lane)
    if (next_[lane] < plan.lane_end[lane]) return &plan.steps[next_[lane]];
  return nullptr;
}

RunStatus EpochRun::step(const BoundStep& step, const RunEnvironment& environment) noexcept {
  switch (step.kind) {
    case StepKind::wait:
      return wait(step, environment);
    case StepKind::put:
    case StepKind::signal:
      return put(step, environment);
    case StepKind::publish:
      if (!settled(step.lane, environment)) return RunStatus::idle;
      publish(step, environment);
      return RunStatus::moved;
    case StepKind::copy:
    case StepKind::reduce:
      return compute(step, environment);
  }
  return RunStatus::failed;
}

RunStatus EpochRun::wait(const BoundStep& step, const RunEnvironment& environment) noexcept {
  std::byte* const at = step.published
                            ? line(step.peer, step.word, environment)
                            : environment.signals.line(arguments_.first_line + step.word);
  const std::uint64_t wanted = SignalValue::make(arguments_.epoch, step.part, arguments_.hash);
  for (std::uint32_t i = 0; i < step.lines; ++i) {
    const std::uint64_t value = reinterpret_cast<std::atomic<std::uint64_t>*>(at + i * kLineBytes)
                                    ->load(std::memory_order_acquire);
    if (!SignalValue::reached(value, wanted)) return RunStatus::idle;
    const bool same_epoch = SignalValue::epoch(value) == SignalValue::epoch(wanted);
    const bool same_hash = ((value ^ wanted) & environment.hash_mask) == 0;
    if (!same_epoch || !same_hash) return RunStatus::mismatch;
  }
  const bool resolved = step.arrive == kNoWord || resolve(step, at, environment);
  return resolved ? RunStatus::moved : RunStatus::failed;
}

namespace {

/// The window that a peer has attached for this call.
bool admit(const ArriveLine& told, const PeerRoute& peer, SymmetricTransport& transport) noexcept {
  if (told.key_length > told.key.size()) return false;
  WindowKey key;
  key.length = told.key_length;
  std::copy_n(told.key.begin(), told.key_length, key.bytes.begin());
  return transport.admit(peer.rank, told.output_window, key);
}

}  // namespace

/// The peer's ARRIVE has come: where its memory lies here, if it is mapped, or by which key it is
/// reached, if it is not the heap's.
bool EpochRun::resolve(const BoundStep& step, const std::byte* at,
                       const RunEnvironment& environment) noexcept {
  const PeerRoute& peer = environment.peers[step.peer];
  ArriveLine told;
  std::memcpy(&told, at + sizeof(std::uint64_t), sizeof told);
  if (peer.signals == nullptr)
    return told.key_length == 0 || admit(told, peer, *environment.transport);
  const SymmetricTransport& transport = *environment.transport;
  PeerMemory& memory = arguments_.peer_memory[step.peer];
  memory = {};
  if (told.input_window == kPrivateMemory) {
    memory.private_input = told.input_offset;
  } else {
    memory.input = transport.mapped(peer.rank, told.input_window) + told.input_offset;
  }
  if (told.output_window != kPrivateMemory)
    memory.output = transport.mapped(peer.rank, told.output_window) + told.output_offset;
  return true;
}

/// A copy out of a peer's private memory: the system makes it. A peer that is gone is not waited
/// for here, but it is for those who watch it to say so.
RunStatus EpochRun::fetch(const BoundStep& step, const RunEnvironment& environment) noexcept {
  const BoundRef& to = arguments_.plan->operands[step.operands];
  const BoundRef& from = arguments_.plan->operands[step.operands + 1];
  const bool copied = detail::read_process(
      environment.peers[from.peer].process, address(to, environment),
      arguments_.peer_memory[from.peer].private_input + from.offset, step.bytes);
  if (copied) return RunStatus::moved;
  return errno == ESRCH ? RunStatus::idle : RunStatus::failed;
}

RunMemory EpochRun::memory(Space space) const noexcept {
  switch (space) {
    case Space::input:
      return arguments_.input;
    case Space::output:
      return arguments_.output;
    case Space::scratch:
      return arguments_.scratch;
    case Space::arrival:
    case Space::line:
      break;
  }
  return arguments_.arrival;
}

std::byte* EpochRun::address(const BoundRef& ref,
                             const RunEnvironment& environment) const noexcept {
  if (ref.space == Space::line) {
    const std::uint32_t owner = ref.peer == kMe ? environment.me : ref.peer;
    return line(owner, 0, environment) + ref.offset;
  }
  if (ref.peer == kMe) return memory(ref.space).base + ref.offset;
  const PeerMemory& peer = arguments_.peer_memory[ref.peer];
  if (ref.space == Space::input) return peer.input + ref.offset;
  if (ref.space == Space::output) return peer.output + ref.offset;
  const PeerRoute& route = environment.peers[keeper(ref.peer, environment)];
  return (arguments_.on_device ? route.device_scratch : route.scratch) + arguments_.slot_offset +
         ref.offset;
}

RemoteRef EpochRun::remote(const BoundStep& step,
                           const RunEnvironment& environment) const noexcept {
  const PeerRoute& peer = environment.peers[step.peer];
  const std::uint64_t offset = step.destination.offset;
  if (step.destination.space == Space::scratch)
    return {peer.rank, peer.window, peer.scratch_offset + arguments_.slot_offset + offset};
  if (step.destination.space == Space::line)
    return {peer.rank, kSignalWindow, arguments_.first_line * kLineBytes + offset};
  ArriveLine line;  // the schedule has waited for the word that guards it
  std::memcpy(&line, environment.signals.payload(arguments_.first_line + step.arrive), sizeof line);
  if (step.destination.space == Space::input)
    return {peer.rank, line.input_window, line.input_offset + offset};
  return {peer.rank, line.output_window, line.output_offset + offset};
}

/// The transport takes it modulo its lanes. A word keeps to one within an epoch; when the next
/// epoch of its set begins anywhere, all its signals of this one have been awaited (rule 6), so
/// nothing is left to be overtaken on another lane.
Lane EpochRun::lane_of(const BoundStep& step) const noexcept {
  const std::uint64_t turn = arguments_.plan->rotates_lanes ? arguments_.epoch : 0;
  return static_cast<Lane>(step.lane + turn);
}

RunStatus EpochRun::put(const BoundStep& step, const RunEnvironment& environment) noexcept {
  const PeerRoute& peer = environment.peers[step.peer];
  if (peer.signals != nullptr && arguments_.kernel == nullptr && step.bytes > 0)
    return store_by_device(step, environment);
  if (!settled(step.lane, environment)) return RunStatus::idle;
  if (peer.signals != nullptr) {
    store(step, environment);
    return RunStatus::moved;
  }
  const Signal signal{peer.rank, arguments_.first_line + step.word,
                      SignalValue::make(arguments_.epoch, step.part, arguments_.hash)};
  Issue issue;
  if (step.kind == StepKind::signal || step.bytes == 0) {
    issue = environment.transport->signal(lane_of(step), signal, completion_);
  } else {
    const RunMemory source = memory(step.source.space);
    const LocalRef from{source.base + step.source.offset, step.bytes, source.window};
    issue = environment.transport->put_signal(lane_of(step), remote(step, environment), from,
                                              signal, completion_);
  }
  if (issue == Issue::failed) return RunStatus::failed;
  return issue == Issue::done ? RunStatus::moved : RunStatus::idle;
}

/// A put into mapped memory.
void EpochRun::store(const BoundStep& step, const RunEnvironment& environment) noexcept {
  if (step.bytes > 0) {
    BoundRef to = step.destination;
    to.peer = step.peer;
    std::memcpy(address(to, environment), address(step.source, environment), step.bytes);
  }
  store_signal(step, environment);
}

void EpochRun::store_signal(const BoundStep& step, const RunEnvironment& environment) noexcept {
  reinterpret_cast<std::atomic<std::uint64_t>*>(line(step.peer, step.word, environment))
      ->store(SignalValue::make(arguments_.epoch, step.part, arguments_.hash),
              std::memory_order_release);
}

void EpochRun::publish(const BoundStep& step, const RunEnvironment& environment) noexcept {
  std::byte* mine = line(environment.me, step.word, environment);
  const std::byte* from = step.bytes > 0 ? address(step.source, environment) : nullptr;
  const std::uint64_t value = SignalValue::make(arguments_.epoch, step.part, arguments_.hash);
  std::size_t left = step.bytes;
  for (std::uint32_t i = 0; i < step.lines; ++i) {
    const std::size_t bytes = std::min(left, kLinePayload);
    if (bytes > 0) std::memcpy(mine + sizeof value, from, bytes);
    reinterpret_cast<std::atomic<std::uint64_t>*>(mine)->store(value, std::memory_order_release);
    mine += kLineBytes;
    from += bytes;
    left -= bytes;
  }
}

namespace {

/// Sources that are spread over several lines, put together.
class Gathered {
 public:
  const std::byte* add(const std::byte* payload, std::size_t bytes) noexcept {
    std::byte* const begin = memory_.data() + used_;
    std::byte* to = begin;
    for (std::size_t left = bytes; left > 0;) {
      const std::size_t some = std::min(left, kLinePayload);
      std::memcpy(to, payload, some);
      to += some;
      payload += kLineBytes;
      left -= some;
    }
    used_ += (bytes + kLineBytes - 1) / kLineBytes * kLineBytes;
    return begin;
  }

 private:
  alignas(kLineBytes) std::array<std::byte, kMaxGathered> memory_;
  std::size_t used_ = 0;
};

}  // namespace

/// As compute(), for operands in several lines.
void EpochRun::compute_gathered(ComputeStep& work, const BoundStep& step,
                                std::span<const std::byte*> sources) noexcept {
  Gathered gathered;
  const BoundRef* operand = &arguments_.plan->operands[step.operands + step.destinations];
  for (std::size_t i = 0; i < step.sources; ++i)
    if (operand[i].space == Space::line) sources[i] = gathered.add(sources[i], step.bytes);
  arguments_.kernel(work);
}

/// Whether the device has done what the lane gave it.
bool EpochRun::settled(std::size_t lane, const RunEnvironment& environment) noexcept {
  if (!computing_[lane]) return true;
  computing_[lane] = !environment.compute->done(ticket_[lane]);
  awaits_device_ = awaits_device_ || computing_[lane];
  return !computing_[lane];
}

void EpochRun::submit(const ComputeStep& work, std::uint16_t lane,
                      const RunEnvironment& environment) noexcept {
  ticket_[lane] = environment.compute->submit(work);
  computing_[lane] = true;
}

/// A put into mapped memory whose source may be where only the device can read it.
RunStatus EpochRun::store_by_device(const BoundStep& step,
                                    const RunEnvironment& environment) noexcept {
  if (!storing_[step.lane]) {
    BoundRef to = step.destination;
    to.peer = step.peer;
    std::byte* const destination = address(to, environment);
    const std::byte* const source = address(step.source, environment);
    submit({.destinations = {&destination, 1}, .sources = {&source, 1}, .count = step.bytes},
           step.lane, environment);
    storing_[step.lane] = true;
  }
  if (!settled(step.lane, environment)) return RunStatus::idle;
  storing_[step.lane] = false;
  store_signal(step, environment);
  return RunStatus::moved;
}

RunStatus EpochRun::compute(const BoundStep& step, const RunEnvironment& environment) noexcept {
  if (step.bytes == 0) return RunStatus::moved;
  const BoundRef& last = arguments_.plan->operands[step.operands + step.destinations];
  const bool theirs = step.kind == StepKind::copy && last.peer != kMe &&
                      last.space == Space::input &&
                      arguments_.peer_memory[last.peer].input == nullptr;
  if (theirs) return fetch(step, environment);
  std::array<std::byte*, kMaxOperands> destinations;
  std::array<const std::byte*, kMaxOperands> sources;
  const BoundRef* operand = &arguments_.plan->operands[step.operands];
  for (std::size_t i = 0; i < step.destinations; ++i)
    destinations[i] = address(*operand++, environment);
  for (std::size_t i = 0; i < step.sources; ++i) sources[i] = address(*operand++, environment);
  const std::uint64_t divisor = step.finalise ? arguments_.divisor : 0;
  const bool nothing_to_do =
      step.sources == 1 && step.destinations == 1 && divisor == 0 && destinations[0] == sources[0];
  if (nothing_to_do) return RunStatus::moved;  // in place: the bytes may be a put's source now
  ComputeStep work{{destinations.data(), step.destinations},
                   {sources.data(), step.sources},
                   step.bytes / arguments_.element_bytes,
                   arguments_.dtype,
                   arguments_.kind,
                   divisor,
                   arguments_.stream && step.outputs};
  if (step.lines > 1) {
    compute_gathered(work, step, {sources.data(), step.sources});
  } else if (arguments_.kernel != nullptr) {
    arguments_.kernel(work);
  } else {
    submit(work, step.lane, environment);
  }
  return RunStatus::moved;
}

}  // namespace rlx::collectives
