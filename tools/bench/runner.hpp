#pragma once
// From a collective's typed calls, or plans, to one function per (dtype, memory, placement), chosen
// before anything is timed.

#include <span>

#include "rlx/buffer_collectives.hpp"
#include "tools/bench/collective_bench.hpp"
#include "tools/bench/with_element.hpp"

namespace rlx::bench {

/// The first elements of a larger symmetric array; collectives take it as they take the array.
template <Element T>
struct HeapView {
  using value_type = T;
  detail::MemoryRef ref;
  [[nodiscard]] detail::MemoryRef memory() const { return ref; }
};

template <Element T, BufferKind kind>
auto view_of(std::byte* data, std::size_t count, std::uint64_t offset,
             detail::DeviceMemory* memory) {
  if constexpr (kind == BufferKind::heap) {
    return HeapView<T>{{data, count, true, offset}};
  } else if constexpr (kind == BufferKind::device) {
    return memory != nullptr ? BufferView(*memory, 0, dtype_of<T>, count)
                             : BufferView(data, dtype_of<T>, count);
  } else {
    return std::span<T>(reinterpret_cast<T*>(data), count);
  }
}

template <class Calls, Element T, BufferKind kind>
auto call_out_of_place(Communicator& comm, const Operands& o) {
  return Calls::out_of_place(
      comm, view_of<T, kind>(o.send, o.shape.send, o.send_offset, o.send_memory),
      view_of<T, kind>(o.recv, o.shape.recv, o.recv_offset, o.recv_memory), o.kind);
}

template <class Calls, Element T, BufferKind kind>
auto call_in_place(Communicator& comm, const Operands& o) {
  return Calls::in_place(
      comm, view_of<T, kind>(o.recv, o.shape.whole, o.recv_offset, o.recv_memory), o.kind);
}

template <class Function, class Calls, BufferKind kind>
Function select_placement(DType dtype, Placement placement) {
  return with_element(dtype, [&]<Element T>(std::type_identity<T>) -> Function {
    if (placement == Placement::in_place) return call_in_place<Calls, T, kind>;
    return call_out_of_place<Calls, T, kind>;
  });
}

/// `Function` is Runner or Planner. `Calls` has the static functions out_of_place(comm, in, out,
/// kind) and in_place(comm, x, kind) that make the call, or give its Plan.
template <class Function, class Calls>
Function select_function(DType dtype, BufferKind buffers, Placement placement) {
  if (buffers == BufferKind::heap) {
    return select_placement<Function, Calls, BufferKind::heap>(dtype, placement);
  }
  if (buffers == BufferKind::device) {
    return select_placement<Function, Calls, BufferKind::device>(dtype, placement);
  }
  return select_placement<Function, Calls, BufferKind::private_memory>(dtype, placement);
}

}  // namespace rlx::bench
