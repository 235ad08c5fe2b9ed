#pragma once
// From a collective's typed calls to one function per (dtype, memory, placement), chosen before
// anything is timed.

#include <span>

#include "rlx/collectives.hpp"
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
auto view_of(std::byte* data, std::size_t count, std::uint64_t offset) {
  if constexpr (kind == BufferKind::heap) {
    return HeapView<T>{{data, count, true, offset}};
  } else {
    return std::span<T>(reinterpret_cast<T*>(data), count);
  }
}

template <class Calls, Element T, BufferKind kind>
void run_out_of_place(Communicator& comm, const Operands& o) {
  Calls::out_of_place(comm, view_of<T, kind>(o.send, o.shape.send, o.send_offset),
                      view_of<T, kind>(o.recv, o.shape.recv, o.recv_offset), o.kind);
}

template <class Calls, Element T, BufferKind kind>
void run_in_place(Communicator& comm, const Operands& o) {
  Calls::in_place(comm, view_of<T, kind>(o.recv, o.shape.whole, o.recv_offset), o.kind);
}

template <class Calls, BufferKind kind>
Runner select_placement(DType dtype, Placement placement) {
  return with_element(dtype, [&]<Element T>(std::type_identity<T>) -> Runner {
    if (placement == Placement::in_place) return run_in_place<Calls, T, kind>;
    return run_out_of_place<Calls, T, kind>;
  });
}

/// `Calls` has the static functions out_of_place(comm, in, out, kind) and in_place(comm, x, kind).
template <class Calls>
Runner select_runner(DType dtype, BufferKind buffers, Placement placement) {
  if (buffers == BufferKind::heap) {
    return select_placement<Calls, BufferKind::heap>(dtype, placement);
  }
  return select_placement<Calls, BufferKind::private_memory>(dtype, placement);
}

}  // namespace rlx::bench
