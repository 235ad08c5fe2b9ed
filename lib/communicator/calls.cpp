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
  if (!memory.symmetric) return;
  const auto [first, begins] = comm.context().heap().offset_of(memory.data);
  const HeapExtent extent = begins ? comm.context().heap().extent_at(first) : HeapExtent{};
  if (!begins || first + bytes > extent.offset + extent.length)
    reject(ErrorKind::OutOfBounds, call, comm,
           fmt::format("{} of {} bytes at heap offset {} does not lie in this communicator's heap",
                       name, bytes, memory.offset));
}

void check(const CallArguments& call, const CommunicatorState& comm) {
  if (call.operation == Operation::barrier) return;
  if (!supports(call.kind, call.dtype))
    reject(ErrorKind::Unsupported, call, comm,
           fmt::format("{} is not defined for {}; use an integer dtype", to_string(call.kind),
                       to_string(call.dtype)));
  check_memory(call, comm, call.in, "input");
  check_memory(call, comm, call.out, "output");
  check_lengths(call, comm);
}

bool overlap(const MemoryRef& a, const MemoryRef& b, std::size_t element) {
  return a.data < b.data + b.count * element && b.data < a.data + a.count * element;
}

/// Input and output that overlap other than as in place: the input is copied aside first.
void put_aside(CallState& state) {
  const CallArguments& call = state.arguments;
  const std::size_t element = size_of(call.dtype);
  if (call.in_place || call.operation == Operation::barrier || !overlap(call.in, call.out, element))
    return;
  const std::size_t own = state.prepared->rank * state.prepared->count * element;
  const bool same =
      (call.operation == Operation::all_reduce && call.in.data == call.out.data) ||
      (call.operation == Operation::all_gather && call.in.data == call.out.data + own) ||
      (call.operation == Operation::reduce_scatter && call.out.data == call.in.data + own);
  if (same) return;
  state.aside.assign(call.in.data, call.in.data + call.in.count * element);
}

CommunicatorState& state_of(Communicator& communicator) { return communicator.state(); }

std::shared_ptr<CallState> begin(CommunicatorState& comm, const CallArguments& call, bool held) {
  check(call, comm);
  return comm.submit(call, comm.plans().prepare(call), CallPurpose::user, held);
}

}  // namespace

void prepare_memory(CallState& call) { put_aside(call); }

void run(Communicator& communicator, const CallArguments& call) {
  CommunicatorState& comm = state_of(communicator);
  comm.complete(*begin(comm, call, false));
}

Request run_async(Communicator& communicator, const CallArguments& call) {
  CommunicatorState& comm = state_of(communicator);
  auto state = begin(comm, call, false);
  comm.context().helper().call_in_flight();
  return Request(std::move(state));
}

Plan plan(Communicator& communicator, const CallArguments& call) {
  CommunicatorState& comm = state_of(communicator);
  check(call, comm);
  auto state = std::make_shared<PlanState>();
  state->communicator = comm.shared_from_this();
  state->arguments = call;
  state->prepared = comm.plans().prepare(call);
  return Plan(std::move(state));
}

void enqueue(Communicator& communicator, const CallArguments& call, CommandStream& stream) {
  CommunicatorState& comm = state_of(communicator);
  auto state = begin(comm, call, true);
  stream.enqueue([state, released = false]() mutable {
    Context& context = state->communicator->context();
    if (!released) state->communicator->release_start(*state);
    released = true;
    context.try_advance();
    if (state->done.load(std::memory_order_acquire)) return true;
    context.throw_if_failed();
    return false;
  });
}

}  // namespace rlx::detail
