#pragma once
// all_reduce, all_gather, reduce_scatter: blocking, non-blocking, planned.
//
// Each takes symmetric memory (communicated where it lies: a SymmetricArray, a SymmetricSpan, or a
// container whose allocator is a SymmetricAllocator or carries a SymmetricResource) or any other
// contiguous sized range of an element type (private memory: staged by rlx). Forms:
//   f(comm, x, op)        in place          f(comm, in, out, op)        out of place
//   f_async(...)          gives a Request   plan_f(...)                 gives a Plan
// Whether memory is symmetric, and whether the call is in place, must be the same on all ranks.
// Lengths are elements of the ranges. n is the communicator's size, r the caller's rank.
//
//   all_reduce      in, out: L elements each; out = op over all ranks' in
//   all_gather      in: L, out: n L; block i of out = rank i's in.      In place: x has n L elements,
//                   block r of x is the contribution
//   reduce_scatter  in: n L, out: L; out = op over all ranks' block r.  In place: x has n L elements,
//                   block r of x receives the result, the other blocks are unspecified afterwards
//
// In place lengths that are not a multiple of n throw LengthMismatch. `in` and `out` may overlap only
// if they are the same range or block as in the in-place form; other overlap of private memory is
// copied aside first, of symmetric memory refused.
// Errors: LengthMismatch and InvalidArgument before anything is sent; Mismatch, PeerFailed, Timeout
// and Transport as in rlx/communicator.hpp.

#include <concepts>
#include <ranges>
#include <type_traits>

#include "rlx/command_stream.hpp"
#include "rlx/communicator.hpp"
#include "rlx/reduce_kind.hpp"
#include "rlx/request.hpp"
#include "rlx/symmetric_allocator.hpp"

namespace rlx {

namespace detail {

enum class Operation : std::uint8_t { barrier, all_reduce, all_gather, reduce_scatter };

/// One call, untyped. `out` alone is used in place.
struct CallArguments {
  Operation operation = Operation::barrier;
  DType dtype = DType::u8;
  ReduceKind kind = ReduceKind::Sum;
  bool in_place = false;
  MemoryRef in;
  MemoryRef out;

  friend bool operator==(const CallArguments&, const CallArguments&) = default;
};

void run(Communicator& comm, const CallArguments& call);
[[nodiscard]] Request run_async(Communicator& comm, const CallArguments& call);
[[nodiscard]] Plan plan(Communicator& comm, const CallArguments& call);
void enqueue(Communicator& comm, const CallArguments& call, CommandStream& stream);

template <class M>
concept SymmetricMemory = requires(const std::remove_cvref_t<M>& m) {
  { m.memory() } -> std::same_as<MemoryRef>;
};
template <class M>
concept RangeMemory = !SymmetricMemory<M> && std::ranges::contiguous_range<M> &&
                      std::ranges::sized_range<M> && Element<std::ranges::range_value_t<M>>;
template <class M>
concept Memory = SymmetricMemory<M> || RangeMemory<M>;
template <class M>
concept ConstMemory = requires(M& m) {
  requires std::is_const_v<std::remove_pointer_t<decltype(m.data())>>;
};
template <class M>
concept MutableMemory =
    (SymmetricMemory<M> && !ConstMemory<M>) ||
    (RangeMemory<M> && !std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<M>>>);

template <class M>
struct ElementOfMemory {
  using type = std::ranges::range_value_t<M>;
};
template <SymmetricMemory M>
struct ElementOfMemory<M> {
  using type = typename std::remove_cvref_t<M>::value_type;
};
template <Memory M>
using ElementOf = typename ElementOfMemory<M>::type;

template <Memory M>
MemoryRef memory_of(M&& m) {
  if constexpr (SymmetricMemory<M>) {
    return m.memory();
  } else {
    using T = std::remove_cv_t<std::ranges::range_value_t<M>>;
    auto* data = const_cast<T*>(std::ranges::data(m));
    if (const SymmetricResource* resource = resource_of(m))
      return resource->memory(data, std::ranges::size(m));
    return {reinterpret_cast<std::byte*>(data), std::ranges::size(m), false, 0};
  }
}

template <Memory In, Memory Out>
CallArguments call_of(Operation operation, In&& in, Out&& out, ReduceKind kind) {
  static_assert(std::is_same_v<ElementOf<In>, ElementOf<Out>>,
                "input and output of a collective have the same element type");
  return {operation, dtype_of<ElementOf<In>>, kind, false, memory_of(in), memory_of(out)};
}
template <Memory M>
CallArguments call_in_place(Operation operation, M&& x, ReduceKind kind) {
  return {operation, dtype_of<ElementOf<M>>, kind, true, {}, memory_of(x)};
}

}  // namespace detail

template <detail::MutableMemory M>
void all_reduce(Communicator& comm, M&& x, ReduceKind kind) {
  detail::run(comm, detail::call_in_place(detail::Operation::all_reduce, x, kind));
}
template <detail::Memory In, detail::MutableMemory Out>
void all_reduce(Communicator& comm, In&& in, Out&& out, ReduceKind kind) {
  detail::run(comm, detail::call_of(detail::Operation::all_reduce, in, out, kind));
}
template <detail::MutableMemory M>
[[nodiscard]] Request all_reduce_async(Communicator& comm, M&& x, ReduceKind kind) {
  return detail::run_async(comm, detail::call_in_place(detail::Operation::all_reduce, x, kind));
}
template <detail::Memory In, detail::MutableMemory Out>
[[nodiscard]] Request all_reduce_async(Communicator& comm, In&& in, Out&& out, ReduceKind kind) {
  return detail::run_async(comm, detail::call_of(detail::Operation::all_reduce, in, out, kind));
}
template <detail::MutableMemory M>
[[nodiscard]] Plan plan_all_reduce(Communicator& comm, M&& x, ReduceKind kind) {
  return detail::plan(comm, detail::call_in_place(detail::Operation::all_reduce, x, kind));
}
template <detail::Memory In, detail::MutableMemory Out>
[[nodiscard]] Plan plan_all_reduce(Communicator& comm, In&& in, Out&& out, ReduceKind kind) {
  return detail::plan(comm, detail::call_of(detail::Operation::all_reduce, in, out, kind));
}
/// Ordered on the stream: starts when the work before it is done; later work waits for it.
template <detail::MutableMemory M>
void all_reduce(Communicator& comm, M&& x, ReduceKind kind, CommandStream& stream) {
  detail::enqueue(comm, detail::call_in_place(detail::Operation::all_reduce, x, kind), stream);
}

template <detail::MutableMemory M>
void reduce_scatter(Communicator& comm, M&& x, ReduceKind kind) {
  detail::run(comm, detail::call_in_place(detail::Operation::reduce_scatter, x, kind));
}
template <detail::Memory In, detail::MutableMemory Out>
void reduce_scatter(Communicator& comm, In&& in, Out&& out, ReduceKind kind) {
  detail::run(comm, detail::call_of(detail::Operation::reduce_scatter, in, out, kind));
}
template <detail::MutableMemory M>
[[nodiscard]] Request reduce_scatter_async(Communicator& comm, M&& x, ReduceKind kind) {
  return detail::run_async(comm, detail::call_in_place(detail::Operation::reduce_scatter, x, kind));
}
template <detail::Memory In, detail::MutableMemory Out>
[[nodiscard]] Request reduce_scatter_async(Communicator& comm, In&& in, Out&& out,
                                           ReduceKind kind) {
  return detail::run_async(comm, detail::call_of(detail::Operation::reduce_scatter, in, out, kind));
}
template <detail::MutableMemory M>
[[nodiscard]] Plan plan_reduce_scatter(Communicator& comm, M&& x, ReduceKind kind) {
  return detail::plan(comm, detail::call_in_place(detail::Operation::reduce_scatter, x, kind));
}
template <detail::Memory In, detail::MutableMemory Out>
[[nodiscard]] Plan plan_reduce_scatter(Communicator& comm, In&& in, Out&& out, ReduceKind kind) {
  return detail::plan(comm, detail::call_of(detail::Operation::reduce_scatter, in, out, kind));
}
template <detail::MutableMemory M>
void reduce_scatter(Communicator& comm, M&& x, ReduceKind kind, CommandStream& stream) {
  detail::enqueue(comm, detail::call_in_place(detail::Operation::reduce_scatter, x, kind), stream);
}

template <detail::MutableMemory M>
void all_gather(Communicator& comm, M&& x) {
  detail::run(comm, detail::call_in_place(detail::Operation::all_gather, x, ReduceKind::Sum));
}
template <detail::Memory In, detail::MutableMemory Out>
void all_gather(Communicator& comm, In&& in, Out&& out) {
  detail::run(comm, detail::call_of(detail::Operation::all_gather, in, out, ReduceKind::Sum));
}
template <detail::MutableMemory M>
[[nodiscard]] Request all_gather_async(Communicator& comm, M&& x) {
  return detail::run_async(comm, detail::call_in_place(detail::Operation::all_gather, x,
                                                       ReduceKind::Sum));
}
template <detail::Memory In, detail::MutableMemory Out>
[[nodiscard]] Request all_gather_async(Communicator& comm, In&& in, Out&& out) {
  return detail::run_async(comm, detail::call_of(detail::Operation::all_gather, in, out,
                                                 ReduceKind::Sum));
}
template <detail::MutableMemory M>
[[nodiscard]] Plan plan_all_gather(Communicator& comm, M&& x) {
  return detail::plan(comm, detail::call_in_place(detail::Operation::all_gather, x,
                                                  ReduceKind::Sum));
}
template <detail::Memory In, detail::MutableMemory Out>
[[nodiscard]] Plan plan_all_gather(Communicator& comm, In&& in, Out&& out) {
  return detail::plan(comm, detail::call_of(detail::Operation::all_gather, in, out,
                                            ReduceKind::Sum));
}
template <detail::MutableMemory M>
void all_gather(Communicator& comm, M&& x, CommandStream& stream) {
  detail::enqueue(comm, detail::call_in_place(detail::Operation::all_gather, x, ReduceKind::Sum),
                  stream);
}

[[nodiscard]] inline Request barrier_async(Communicator& comm) {
  return detail::run_async(comm, {});
}

}  // namespace rlx
