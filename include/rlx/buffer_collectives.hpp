#pragma once
// The collectives of memory on devices: the same calls as rlx/collectives.hpp, of views of Buffers
// and of slots of arenas, typed at run time.
//
// A view shows memory of the device that the communicator was made with (CommunicatorOptions), or
// host memory, which counts as private. Ranks may differ in that, and in their devices: of one call,
// some may give memory of their GPU and others vectors or host views of the same dtype and length.
//
// How it is done: short calls, calls of dtypes that a device does not reduce, and ranks on several
// nodes copy to the heap and back, and the CPUs reduce; longer ones between ranks of one node, whose
// devices all reach host memory, are reduced by the devices out of each other's heaps, or, where all
// ranks own the same device, out of slots in its own memory (docs/devices.md). Nothing is in the
// buffer before the call is complete.
//
// Lengths, forms, order and errors are those of rlx/collectives.hpp, and: InvalidArgument naming
// both dtypes where they differ, and for memory of another device than the communicator's;
// Unsupported for memory of a device in a communicator that was made without; Device when the
// device is lost, which is final.

#include "rlx/buffer_view.hpp"
#include "rlx/collectives.hpp"

namespace rlx {

namespace detail {

/// Throws InvalidArgument naming the operation and both dtypes.
[[nodiscard]] CallArguments call_of_views(Operation operation, ConstBufferView in, BufferView out,
                                          ReduceKind kind);
[[nodiscard]] CallArguments call_in_place_of_view(Operation operation, BufferView x,
                                                  ReduceKind kind);

}  // namespace detail

void all_reduce(Communicator& comm, BufferView x, ReduceKind kind);
void all_reduce(Communicator& comm, ConstBufferView in, BufferView out, ReduceKind kind);
[[nodiscard]] Request all_reduce_async(Communicator& comm, BufferView x, ReduceKind kind);
[[nodiscard]] Request all_reduce_async(Communicator& comm, ConstBufferView in, BufferView out,
                                       ReduceKind kind);
[[nodiscard]] Plan plan_all_reduce(Communicator& comm, BufferView x, ReduceKind kind);
[[nodiscard]] Plan plan_all_reduce(Communicator& comm, ConstBufferView in, BufferView out,
                                   ReduceKind kind);
/// Ordered on the stream: starts when the work before it is done; later work waits for it. Returns
/// at once. All ranks make it in their order of calls.
void all_reduce(Communicator& comm, BufferView x, ReduceKind kind, CommandStream& stream);
void all_reduce(Communicator& comm, ConstBufferView in, BufferView out, ReduceKind kind,
                CommandStream& stream);

void reduce_scatter(Communicator& comm, BufferView x, ReduceKind kind);
void reduce_scatter(Communicator& comm, ConstBufferView in, BufferView out, ReduceKind kind);
[[nodiscard]] Request reduce_scatter_async(Communicator& comm, BufferView x, ReduceKind kind);
[[nodiscard]] Request reduce_scatter_async(Communicator& comm, ConstBufferView in, BufferView out,
                                           ReduceKind kind);
[[nodiscard]] Plan plan_reduce_scatter(Communicator& comm, BufferView x, ReduceKind kind);
[[nodiscard]] Plan plan_reduce_scatter(Communicator& comm, ConstBufferView in, BufferView out,
                                       ReduceKind kind);
void reduce_scatter(Communicator& comm, BufferView x, ReduceKind kind, CommandStream& stream);
void reduce_scatter(Communicator& comm, ConstBufferView in, BufferView out, ReduceKind kind,
                    CommandStream& stream);

void all_gather(Communicator& comm, BufferView x);
void all_gather(Communicator& comm, ConstBufferView in, BufferView out);
[[nodiscard]] Request all_gather_async(Communicator& comm, BufferView x);
[[nodiscard]] Request all_gather_async(Communicator& comm, ConstBufferView in, BufferView out);
[[nodiscard]] Plan plan_all_gather(Communicator& comm, BufferView x);
[[nodiscard]] Plan plan_all_gather(Communicator& comm, ConstBufferView in, BufferView out);
void all_gather(Communicator& comm, BufferView x, CommandStream& stream);
void all_gather(Communicator& comm, ConstBufferView in, BufferView out, CommandStream& stream);

}  // namespace rlx
