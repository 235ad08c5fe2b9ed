#pragma once
// The ranks of the job that rlx-info runs in.

#include <cstdint>
#include <string>
#include <vector>

#include "tools/info/document.hpp"

namespace rlx::info {

/// MPI for the life of the program where a launcher started it; one rank otherwise.
class Job {
 public:
  Job();
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return size_; }

  /// One object per rank, in rank order: rank, pid, hostname, cores, cpus, numa_nodes, and
  /// shared_memory as of describe_shared_memory(). Collective; complete on rank 0, empty on the
  /// others.
  [[nodiscard]] Json describe_ranks() const;
  /// One object per rank, as of describe_transport(); null where there is one rank alone.
  /// Collective; complete on rank 0.
  [[nodiscard]] Json describe_transports() const;

 private:
  int rank_ = 0;
  int size_ = 1;
  bool is_mpi_ = false;
};

}  // namespace rlx::info
