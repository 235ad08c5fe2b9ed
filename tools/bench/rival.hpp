#pragma once
// The library that rlx is compared with, in the same run and sample by sample.

#include <memory>
#include <optional>
#include <string>

#include "tools/bench/collective_bench.hpp"
#include "tools/bench/contender.hpp"

namespace rlx::bench {

/// What both are asked to do.
struct Task {
  const CollectiveBench* collective = nullptr;
  DType dtype = DType::f32;
  ReduceKind kind = ReduceKind::Sum;
  Placement placement = Placement::out_of_place;
  Shape shape;
};

class Rival {
 public:
  virtual ~Rival() = default;
  /// Name and version.
  [[nodiscard]] virtual std::string library() const = 0;
  /// Allocates its own arrays for vectors of up to `bytes`. Throws std::bad_alloc.
  virtual void reserve(std::size_t bytes) = 0;
  /// The same task with arrays of its own, filled with `data`, this rank's contribution; nullopt
  /// where the library has no such type, operation or count. Valid until the next reserve().
  [[nodiscard]] virtual std::optional<Contender> contender(const Task& task,
                                                           std::span<const std::byte> data) = 0;
  /// Moves its pending work along.
  virtual void poll() = 0;
};

/// The MPI library over MPI_COMM_WORLD, which is initialised and outlives it.
[[nodiscard]] std::unique_ptr<Rival> mpi_rival();

}  // namespace rlx::bench
