#pragma once
// The shm provider keeps each endpoint's queues in /dev/shm/PID:DOMAIN:ENDPOINT and removes the
// file when the endpoint is closed or a signal ends the process, except SIGKILL: then 16 MiB stay.

#include <sys/types.h>

#include <cstddef>

namespace rlx::ofi {

/// Removes this user's files of one process that is known to be dead. Returns how many.
std::size_t remove_shm_files_of(pid_t dead) noexcept;

/// Removes this user's files of all processes that do not exist any more. Files of processes in
/// other pid namespaces with a shared /dev/shm would look dead too, so this is done only where the
/// pid namespace is the machine's own or /dev/shm is not the machine's.
std::size_t remove_stale_shm_files() noexcept;

}  // namespace rlx::ofi
