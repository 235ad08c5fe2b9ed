// The public calls: arguments checked, then handed to the engine.

#include <fmt/format.h>

#include <cstring>

#include "lib/communicator/communicator_state.hpp"
#include "lib/communicator/diagnosis.hpp"

namespace rlx::detail {
namespace {

[[noreturn]] void reject(ErrorKind kind, const CallArguments& call, const CommunicatorState& comm,
                         const std::string& message) {
  throw CollectiveError(kind, std::string(to_string(collective_of(call.operation))),
                        fmt::format("rank {} of {}: {}", comm.rank().value(), comm.size(), message),
                        {comm.rank()});
}

void check_lengths(const CallArguments& call, const CommunicatorState& comm) {
  const std::size_t n = comm.size();
  const std::size_t in = call.in.count;
  const std::size_t out = call.out.count;
  if (call.in_place) {
    if (call.operation != Operation::all_reduce && out % n != 0)
      reject(ErrorKind::LengthMismatch, call, comm,
             fmt::format("in place the {} elements must be a multiple of {} ranks, one block each",
                         out, n));
    return;
  }
  const std::size_t wanted = call.operation == Operation::all_gather       ? in * n
                             : call.operation == Operation::reduce_scatter ? out * n
                                                                           : in;
  const std::size_t given = call.operation == Operation::reduce_scatter ? in : out;
  if (given == wanted) return;
  if (call.operation == Operation::reduce_scatter)
    reject(ErrorKind::LengthMismatch, call, comm,
           fmt::format("input has {} elements, output {}: input must have {} x {} = {}", in, out, n,
                       out, wanted));
  reject(ErrorKind::LengthMismatch, call, comm,
         fmt::format("input has {} elements, output {}: output must have {}", in, out, wanted));
}

void check_reached(const CallArguments& call, const CommunicatorState& comm,
                   const MemoryRef& memory, std::size_t bytes, const char* name) {
  const DeviceSide* const side = comm.context().device_side();
  if (side == nullptr)
    reject(ErrorKind::Unsupported, call, comm,
           fmt::format("{} of {} bytes is memory of a device, and this communicator's ranks were "
                       "made without; give CommunicatorOptions::device, or copy with to_host()",
                       name, bytes));
  if (!side->compute().reaches(memory.data, bytes))
    reject(ErrorKind::InvalidArgument, call, comm,
           fmt::format("{} of {} bytes is memory of another device than {}, which this rank owns; "
                       "copy it with to_device()",
                       name, bytes, side->device().name()));
}

void check_memory(const CallArguments& call, const CommunicatorState& comm, const MemoryRef& memory,
                  const char* name) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(memory.count, size_of(call.dtype), &bytes) ||
      bytes > (std::size_t{1} << 62))
    reject(ErrorKind::OutOfBounds, call, comm,
           fmt::format("{} of {} elements of {} bytes overflows an address", name, memory.count,
                       size_of(call.dtype)));
  if (bytes == 0) return;
  if (!memory.data)
    reject(ErrorKind::InvalidArgument, call, comm,
           fmt::format("{} has {} elements and no memory", name, memory.count));
  if (memory.device != nullptr) return check_reached(call, comm, memory, bytes, name);
  if (!memory.symmetric) return;
  const auto [first, begins] = comm.context().heap().offset_of(memory.data);
  const HeapExtent extent = begins ? comm.context().heap().extent_at(first) : HeapExtent{};
  if (!begins || first + bytes > extent.offset + extent.length)
    reject(
        ErrorKind::OutOfBounds, call, comm,
        fmt::format("{} is symmetric memory, {} bytes at heap offset {}, of another heap than this "
                    "communicator's: allocate it with this communicator or one that stems from "
                    "the same, or pass it as private memory (a span)",
                    name, bytes, memory.offset));
}

bool overlap(const MemoryRef& a, const MemoryRef& b, std::size_t element) {
  return a.data < b.data + b.count * element && b.data < a.data + a.count * element;
}

enum class Overlap : std::uint8_t { none, as_in_place, otherwise };

/// How input and output of a call that is not in place lie to each other.
Overlap overlap_of(const CallArguments& call, const CommunicatorState& comm) {
  const std::size_t element = size_of(call.dtype);
  if (call.in_place || call.operation == Operation::barrier || !overlap(call.in, call.out, element))
    return Overlap::none;
  const std::uint32_t ranks = static_cast<std::uint32_t>(comm.size());
  const std::size_t own = comm.rank().value() * call_count(call, ranks) * element;
  const bool same =
      (call.operation == Operation::all_reduce && call.in.data == call.out.data) ||
      (call.operation == Operation::all_gather && call.in.data == call.out.data + own) ||
      (call.operation == Operation::reduce_scatter && call.out.data == call.in.data + own);
  return same ? Overlap::as_in_place : Overlap::otherwise;
}

Overlap check(const CallArguments& call, const CommunicatorState& comm) {
  if (call.operation == Operation::barrier) return Overlap::none;
  if (!supports(call.kind, call.dtype))
    reject(ErrorKind::Unsupported, call, comm,
           fmt::format("{} is not defined for {}; use an integer dtype", to_string(call.kind),
                       to_string(call.dtype)));
  check_memory(call, comm, call.in, "input");
  check_memory(call, comm, call.out, "output");
  check_lengths(call, comm);
  const Overlap overlap = overlap_of(call, comm);
  if (overlap == Overlap::otherwise && (call.in.symmetric || call.in.device != nullptr))
    reject(
        ErrorKind::InvalidArgument, call, comm,
        fmt::format(
            "symmetric or device input and output overlap: {} elements from {} and {} from {}; let "
            "them lie apart, or call in place",
            call.in.count, fmt::ptr(call.in.data), call.out.count, fmt::ptr(call.out.data)));
  return overlap;
}

CommunicatorState& state_of(Communicator& communicator) { return communicator.state(); }

std::shared_ptr<CallState> begin(CommunicatorState& comm, const CallArguments& call, bool held) {
  check(call, comm);
  return comm.submit(call, comm.plans().prepare(call), CallPurpose::user, held);
}

}  // namespace

/// Where input and output overlap, one of them is copied aside: the output where peers read an
/// input that it may not overwrite, the input where they overlap in any other way than in place.
void prepare_memory(CallState& state, const CommunicatorState& comm) {
  const CallArguments& call = state.arguments;
  const Overlap overlap = overlap_of(call, comm);
  const std::size_t element = size_of(call.dtype);
  if (overlap == Overlap::otherwise)
    state.input_aside.assign(call.in.data, call.in.data + call.in.count * element);
  if (overlap == Overlap::as_in_place && state.prepared->reads_inputs_apart)
    state.output_aside.resize(call.out.count * element);
}

void run(Communicator& communicator, const CallArguments& call) {
  CommunicatorState& comm = state_of(communicator);
  if (RepeatedCall* const known = comm.recall(call)) return comm.run(*known);
  const Overlap overlap = check(call, comm);
  auto prepared = comm.plans().prepare(call);
  if (overlap != Overlap::none)
    return comm.complete(*comm.submit(call, std::move(prepared), CallPurpose::user, false));
  comm.run(comm.remember(call, std::move(prepared)));
}

Request run_async(Communicator& communicator, const CallArguments& call) {
  CommunicatorState& comm = state_of(communicator);
  auto state = begin(comm, call, false);
  comm.context().helper().call_in_flight();
  return Request(std::move(state));
}

Plan plan(Communicator& communicator, const CallArguments& call) {
  CommunicatorState& comm = state_of(communicator);
  auto state = std::make_shared<PlanState>();
  state->overlaps = check(call, comm) != Overlap::none;
  state->communicator = comm.shared_from_this();
  comm.prepare(state->call, call, comm.plans().prepare(call));
  return Plan(std::move(state));
}

void enqueue(Communicator& communicator, const CallArguments& call, CommandStream& stream) {
  CommunicatorState& comm = state_of(communicator);
  auto state = begin(comm, call, true);
  Context& context = comm.context();
  auto driven = stream.device() == Device::cpu() ? nullptr : context.drive(stream);
  context.helper().call_in_flight();
  stream.enqueue([state, driven, released = false]() mutable {
    Context& mine = state->communicator->context();
    if (!released) state->communicator->release_start(*state);
    released = true;
    mine.try_advance();
    if (state->done.load(std::memory_order_acquire)) return true;
    mine.throw_if_failed();
    return false;
  });
}

}  // namespace rlx::detail
