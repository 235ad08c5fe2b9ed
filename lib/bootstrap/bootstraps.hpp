#pragma once
// What this room makes. rlx/launch.hpp declares the first two for users as well, but lies above
// this room, so they are declared here again.

#include <memory>
#include <string>
#include <vector>

#include "lib/bootstrap/socket.hpp"
#include "rlx/bootstrap.hpp"

namespace rlx {

/// See rlx/launch.hpp.
[[nodiscard]] std::vector<std::unique_ptr<Bootstrap>> thread_bootstraps(std::size_t n,
                                                                        double timeout_seconds);

/// See rlx/launch.hpp.
[[nodiscard]] std::unique_ptr<Bootstrap> rendezvous_bootstrap(const std::string& address, Rank rank,
                                                              std::size_t size,
                                                              double timeout_seconds);

namespace bootstrap {

/// Rank 0 over a socket that listens already, so that nobody has to retry (fork, tests).
[[nodiscard]] std::unique_ptr<Bootstrap> rendezvous_over(FileDescriptor listener, std::size_t size,
                                                         double timeout_seconds);

}  // namespace bootstrap
}  // namespace rlx
