#pragma once
// The command line of rlx-bench, as a value.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rlx/config.hpp"
#include "rlx/dtype.hpp"
#include "rlx/reduce_kind.hpp"
#include "tools/bench/collective_bench.hpp"
#include "tools/bench/devices.hpp"
#include "tools/bench/sizes.hpp"

namespace rlx::bench {

enum class LaunchKind : std::uint8_t { automatic, mpi, threads, fork, rendezvous };
/// "auto", "mpi", "threads", "fork", "rendezvous".
[[nodiscard]] std::string_view to_string(LaunchKind kind);

/// How the ranks come to be. `ranks` is given for threads and fork only.
struct LaunchChoice {
  LaunchKind kind = LaunchKind::automatic;
  std::size_t ranks = 0;
};

/// "auto", "mpi", "threads:N", "fork:N", "rendezvous". Throws UsageError that lists the forms.
[[nodiscard]] LaunchChoice parse_launch(std::string_view text);

enum class Format : std::uint8_t { table, csv, json };

/// What is measured: a collective, the memory system that bounds them all, the links between ranks,
/// or which algorithm is best for which calls.
enum class Subject : std::uint8_t { collective, memory, put, tuning };

struct Options {
  Subject subject = Subject::collective;
  const CollectiveBench* collective = nullptr;  ///< null: memory, put; tuning: all
  Sweep sweep;
  int iterations = 20;
  int warmup = 1;
  int checks = 1;  ///< extra, untimed calls with data of their own; 0: nothing is checked
  bool per_iteration = false;  ///< the table shows p10 and p90
  std::vector<DType> dtypes = {DType::f32};
  std::vector<ReduceKind> kinds = {ReduceKind::Sum};
  std::string output_file;               ///< JSON, opened exclusively; empty: none
  std::optional<std::string> tune_file;  ///< tuning: what is measured is added to it
  LaunchChoice launch;
  std::optional<std::string> faulty;
  BufferKind buffers = BufferKind::heap;
  DeviceNames devices;  ///< empty: the CPU
  Format format = Format::table;
  bool against_mpi = false;
  bool bidirectional = false;          ///< put: both ranks of a pair send
  bool all_pairs = false;              ///< put: all pairs at once, not only the first
  std::size_t outstanding = 64;        ///< put: messages of a sender that are not complete, at most
  Config config;                       ///< the environment, overridden by the command line
  std::vector<std::string> arguments;  ///< as given, the program's name first
};

/// Throws UsageError, and CollectiveError(InvalidArgument) for what the environment says. Prints
/// the help and gives nullopt where that was asked for.
[[nodiscard]] std::optional<Options> parse_options(const std::vector<std::string>& arguments);

}  // namespace rlx::bench
