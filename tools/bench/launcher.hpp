#pragma once
// Who started this process, read from the environment. Pure, so that it is decided before MPI is
// touched and can be tested.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "tools/bench/options.hpp"

namespace rlx::bench {

/// The value of an environment variable, nullptr where it is not set.
using Environment = std::function<const char*(const char* name)>;

/// The launch that `auto` stands for. With MPI built in, a process that nobody launched is one rank
/// of MPI, without it one thread.
[[nodiscard]] LaunchChoice resolve_launch(LaunchChoice asked, const Environment& environment,
                                          bool has_mpi);

/// Why the launch can not work, with what to do; found before MPI_Init, which may wait for ever.
[[nodiscard]] std::optional<std::string> launch_conflict(LaunchChoice choice,
                                                         const Environment& environment);

}  // namespace rlx::bench
