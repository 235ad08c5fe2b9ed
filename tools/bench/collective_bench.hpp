#pragma once
// What the engine needs to know about a collective: its shape, its bandwidth factor and how to call
// it. One file each, and one line in collective_benches.cpp.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "rlx/communicator.hpp"
#include "rlx/dtype.hpp"
#include "rlx/reduce_kind.hpp"
#include "rlx/request.hpp"

namespace rlx::bench {

enum class Placement : std::uint8_t { out_of_place, in_place };
inline constexpr Placement kPlacements[] = {Placement::out_of_place, Placement::in_place};
/// "out-of-place", "in-place".
[[nodiscard]] std::string_view to_string(Placement placement);

/// Memory that rlx communicates where it lies, or memory that it has to stage, or Buffers of each
/// rank's device.
enum class BufferKind : std::uint8_t { heap, private_memory, device };
/// "heap", "private", "device".
[[nodiscard]] std::string_view to_string(BufferKind kind);

/// One rank's part of a collective, in elements. In place, one array holds the whole vector; the
/// contribution lies at `send_first` in it and the result at `recv_first`. Out of place, the same
/// elements are two arrays of their own.
struct Shape {
  std::size_t whole = 0;
  std::size_t send_first = 0;
  std::size_t send = 0;
  std::size_t recv_first = 0;
  std::size_t recv = 0;
};

/// Where a call's arrays lie: address and, for heap memory, offset in the symmetric heap.
struct Operands {
  std::byte* send = nullptr;
  std::byte* recv = nullptr;
  std::uint64_t send_offset = 0;
  std::uint64_t recv_offset = 0;
  /// What a call works on instead, where the rank's device has memory of its own; the arrays above
  /// are what is written to and read from it.
  detail::DeviceMemory* send_memory = nullptr;
  detail::DeviceMemory* recv_memory = nullptr;
  Shape shape;
  ReduceKind kind = ReduceKind::Sum;
};

using Runner = void (*)(Communicator& comm, const Operands& operands);
/// The plan of the very call that the Runner makes: what will run, and in how many pieces.
using Planner = Plan (*)(Communicator& comm, const Operands& operands);

struct CollectiveBench {
  std::string_view name;
  bool has_elements;  ///< moves data of a type (all but barrier)
  bool reduces;
  bool by_blocks;  ///< the whole vector is one block per rank, and count is a block's elements
  /// `whole` elements in total, a multiple of the ranks where `by_blocks`.
  Shape (*shape)(std::size_t whole, std::size_t ranks, Rank rank);
  /// busbw / algbw.
  double (*bus_factor)(std::size_t ranks);
  Runner (*runner)(DType dtype, BufferKind buffers, Placement placement);
  Planner (*planner)(DType dtype, BufferKind buffers, Placement placement);

  /// nccl-tests' count for a vector of `whole` elements.
  [[nodiscard]] std::size_t count(std::size_t whole, std::size_t ranks) const {
    return by_blocks ? whole / ranks : whole;
  }
  /// Elements of the smallest vector that gives every rank one.
  [[nodiscard]] std::size_t unit(std::size_t ranks) const { return by_blocks ? ranks : 1; }
};

/// The bus factor of a vector in blocks of which each rank has its own and lacks all others: what
/// crosses its link is (n-1)/n of the whole.
[[nodiscard]] inline double share_of_others(std::size_t ranks) {
  const auto n = static_cast<double>(ranks);
  return (n - 1) / n;
}

extern const CollectiveBench kAllReduceBench;
extern const CollectiveBench kAllGatherBench;
extern const CollectiveBench kReduceScatterBench;
extern const CollectiveBench kBarrierBench;

[[nodiscard]] std::span<const CollectiveBench* const> collective_benches();
/// Throws UsageError that lists the names.
[[nodiscard]] const CollectiveBench& find_collective_bench(std::string_view name);

}  // namespace rlx::bench
