#pragma once
// Ranks without MPI: threads of this process, forked processes, or processes that meet at a TCP
// address.

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "rlx/bootstrap.hpp"
#include "rlx/communicator.hpp"

namespace rlx {

/// Runs `body` on `n` threads, one rank each, and joins them; the first exception is rethrown once
/// all have ended. Transport: options.config.transport, where auto means local (ofi if a provider
/// is named).
void launch_threads(std::size_t n, const CommunicatorOptions& options,
                    const std::function<void(Communicator&)>& body);

/// The same, with options of each rank's own: its device, say.
void launch_threads_each(std::size_t n, const std::function<CommunicatorOptions(Rank)>& options,
                         const std::function<void(Communicator&)>& body);

/// Forks `n` processes that meet over loopback TCP; runs `body` in each, and returns the exit codes
/// (a signal counts as 128 + its number) in rank order. An exception in a child is printed and
/// gives exit code 1. Call it before any thread exists.
[[nodiscard]] std::vector<int> launch_fork(std::size_t n, const CommunicatorOptions& options,
                                           const std::function<int(Communicator&)>& body);

/// One bootstrap per rank for threads of this process.
[[nodiscard]] std::vector<std::unique_ptr<Bootstrap>> thread_bootstraps(std::size_t n,
                                                                        double timeout_seconds);

/// Meets the other ranks at `host:port`, where rank 0 listens. Throws CollectiveError(Launch)
/// naming address, phase and missing ranks after `timeout_seconds`.
[[nodiscard]] std::unique_ptr<Bootstrap> rendezvous_bootstrap(const std::string& address, Rank rank,
                                                              std::size_t size,
                                                              double timeout_seconds);

/// From RLX_RENDEZVOUS, RLX_RANK and RLX_SIZE. Throws CollectiveError(Launch) naming what is
/// missing.
[[nodiscard]] Communicator rendezvous_communicator(CommunicatorOptions options = {});

}  // namespace rlx
