// The collectives of views of buffers: what they name as a call.

#include <fmt/format.h>

#include "collectives/describe.hpp"
#include "lib/communicator/plan_cache.hpp"
#include "rlx/buffer_collectives.hpp"
#include "rlx/error.hpp"

namespace rlx {

namespace detail {
namespace {

template <class Byte>
MemoryRef memory_of_view(const BasicBufferView<Byte>& view) {
  MemoryRef memory;
  memory.count = view.count();
  memory.data = const_cast<std::byte*>(view.host_data());
  if (memory.data == nullptr && view.memory() != nullptr) {
    memory.device = view.memory();
    memory.data = view.memory()->address() + view.offset();
  }
  return memory;
}

}  // namespace

CallArguments call_of_views(Operation operation, ConstBufferView in, BufferView out,
                            ReduceKind kind) {
  if (in.dtype() != out.dtype())
    throw CollectiveError(ErrorKind::InvalidArgument,
                          std::string(to_string(collective_of(operation))),
                          fmt::format("the input holds {}, the output {}; they must be the same",
                                      to_string(in.dtype()), to_string(out.dtype())));
  return {operation, in.dtype(), kind, false, memory_of_view(in), memory_of_view(out)};
}

CallArguments call_in_place_of_view(Operation operation, BufferView x, ReduceKind kind) {
  return {operation, x.dtype(), kind, true, {}, memory_of_view(x)};
}

}  // namespace detail

using detail::call_in_place_of_view;
using detail::call_of_views;
using detail::Operation;

void all_reduce(Communicator& comm, BufferView x, ReduceKind kind) {
  detail::run(comm, call_in_place_of_view(Operation::all_reduce, x, kind));
}
void all_reduce(Communicator& comm, ConstBufferView in, BufferView out, ReduceKind kind) {
  detail::run(comm, call_of_views(Operation::all_reduce, in, out, kind));
}
Request all_reduce_async(Communicator& comm, BufferView x, ReduceKind kind) {
  return detail::run_async(comm, call_in_place_of_view(Operation::all_reduce, x, kind));
}
Request all_reduce_async(Communicator& comm, ConstBufferView in, BufferView out, ReduceKind kind) {
  return detail::run_async(comm, call_of_views(Operation::all_reduce, in, out, kind));
}
Plan plan_all_reduce(Communicator& comm, BufferView x, ReduceKind kind) {
  return detail::plan(comm, call_in_place_of_view(Operation::all_reduce, x, kind));
}
Plan plan_all_reduce(Communicator& comm, ConstBufferView in, BufferView out, ReduceKind kind) {
  return detail::plan(comm, call_of_views(Operation::all_reduce, in, out, kind));
}
void all_reduce(Communicator& comm, BufferView x, ReduceKind kind, CommandStream& stream) {
  detail::enqueue(comm, call_in_place_of_view(Operation::all_reduce, x, kind), stream);
}
void all_reduce(Communicator& comm, ConstBufferView in, BufferView out, ReduceKind kind,
                CommandStream& stream) {
  detail::enqueue(comm, call_of_views(Operation::all_reduce, in, out, kind), stream);
}

void reduce_scatter(Communicator& comm, BufferView x, ReduceKind kind) {
  detail::run(comm, call_in_place_of_view(Operation::reduce_scatter, x, kind));
}
void reduce_scatter(Communicator& comm, ConstBufferView in, BufferView out, ReduceKind kind) {
  detail::run(comm, call_of_views(Operation::reduce_scatter, in, out, kind));
}
Request reduce_scatter_async(Communicator& comm, BufferView x, ReduceKind kind) {
  return detail::run_async(comm, call_in_place_of_view(Operation::reduce_scatter, x, kind));
}
Request reduce_scatter_async(Communicator& comm, ConstBufferView in, BufferView out,
                             ReduceKind kind) {
  return detail::run_async(comm, call_of_views(Operation::reduce_scatter, in, out, kind));
}
Plan plan_reduce_scatter(Communicator& comm, BufferView x, ReduceKind kind) {
  return detail::plan(comm, call_in_place_of_view(Operation::reduce_scatter, x, kind));
}
Plan plan_reduce_scatter(Communicator& comm, ConstBufferView in, BufferView out, ReduceKind kind) {
  return detail::plan(comm, call_of_views(Operation::reduce_scatter, in, out, kind));
}
void reduce_scatter(Communicator& comm, BufferView x, ReduceKind kind, CommandStream& stream) {
  detail::enqueue(comm, call_in_place_of_view(Operation::reduce_scatter, x, kind), stream);
}
void reduce_scatter(Communicator& comm, ConstBufferView in, BufferView out, ReduceKind kind,
                    CommandStream& stream) {
  detail::enqueue(comm, call_of_views(Operation::reduce_scatter, in, out, kind), stream);
}

void all_gather(Communicator& comm, BufferView x) {
  detail::run(comm, call_in_place_of_view(Operation::all_gather, x, ReduceKind::Sum));
}
void all_gather(Communicator& comm, ConstBufferView in, BufferView out) {
  detail::run(comm, call_of_views(Operation::all_gather, in, out, ReduceKind::Sum));
}
Request all_gather_async(Communicator& comm, BufferView x) {
  return detail::run_async(comm, call_in_place_of_view(Operation::all_gather, x, ReduceKind::Sum));
}
Request all_gather_async(Communicator& comm, ConstBufferView in, BufferView out) {
  return detail::run_async(comm, call_of_views(Operation::all_gather, in, out, ReduceKind::Sum));
}
Plan plan_all_gather(Communicator& comm, BufferView x) {
  return detail::plan(comm, call_in_place_of_view(Operation::all_gather, x, ReduceKind::Sum));
}
Plan plan_all_gather(Communicator& comm, ConstBufferView in, BufferView out) {
  return detail::plan(comm, call_of_views(Operation::all_gather, in, out, ReduceKind::Sum));
}
void all_gather(Communicator& comm, BufferView x, CommandStream& stream) {
  detail::enqueue(comm, call_in_place_of_view(Operation::all_gather, x, ReduceKind::Sum), stream);
}
void all_gather(Communicator& comm, ConstBufferView in, BufferView out, CommandStream& stream) {
  detail::enqueue(comm, call_of_views(Operation::all_gather, in, out, ReduceKind::Sum), stream);
}

}  // namespace rlx
